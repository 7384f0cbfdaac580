-- name: count_accounts
SELECT count(*) FROM account

-- name: insert_account
INSERT INTO account (id, name, created_at) VALUES (@id, @name, @created_at)

-- name: account_by_id
SELECT id, name, created_at FROM account WHERE id = @id

-- name: rename_account
UPDATE account SET name = @name WHERE id = @id

-- name: insert_person
INSERT INTO person (id, email, name, password, language, time_zone, country, signature, version, created_at, ops_since)
VALUES (@id, @email, @name, @password, @language, @time_zone, @country, @signature, @version, @created_at, @ops_since)
ON CONFLICT (email) DO NOTHING

-- name: person_by_id
SELECT id, email, name, password, language, time_zone, country, signature, version, created_at, erased_at, ops_since
FROM person WHERE id = @id

-- name: person_by_email
SELECT id, email, name, password, language, time_zone, country, signature, version, created_at, erased_at, ops_since
FROM person WHERE email = @email

-- name: update_person
UPDATE person SET name = @name, language = @language, time_zone = @time_zone, country = @country,
  signature = @signature, version = version + 1
WHERE id = @id AND version = @version

-- name: set_password
UPDATE person SET password = @password WHERE id = @id

-- name: erase_person
UPDATE person SET email = NULL, name = '', password = NULL, language = 'en', time_zone = 'UTC', country = '',
  signature = '', version = version + 1, erased_at = @at, ops_since = NULL
WHERE id = @id

-- name: grant_ops
UPDATE person SET ops_since = @at WHERE id = @id AND ops_since IS NULL

-- name: revoke_ops
UPDATE person SET ops_since = NULL WHERE id = @id AND ops_since IS NOT NULL

-- name: ops_persons
SELECT id, email, name, password, language, time_zone, country, signature, version, created_at, erased_at, ops_since
FROM person WHERE ops_since IS NOT NULL ORDER BY email, id

-- name: insert_member
INSERT INTO member (account_id, person_id, role, added_at, joined_at)
VALUES (@account, @person, @role, @added_at, @joined_at)
ON CONFLICT (account_id, person_id) DO NOTHING

-- name: member
SELECT m.account_id, m.person_id, m.role, m.added_at, m.joined_at, p.email, p.name
FROM member m JOIN person p ON p.id = m.person_id
WHERE m.account_id = @account AND m.person_id = @person

-- name: members
SELECT m.account_id, m.person_id, m.role, m.added_at, m.joined_at, p.email, p.name
FROM member m JOIN person p ON p.id = m.person_id
WHERE m.account_id = @account
ORDER BY p.email, m.person_id

-- name: accounts_of_person
SELECT a.id, a.name, a.created_at
FROM account a JOIN member m ON m.account_id = a.id
WHERE m.person_id = @person
ORDER BY a.name, a.id

-- name: set_role
UPDATE member SET role = @role WHERE account_id = @account AND person_id = @person

-- name: delete_member
DELETE FROM member WHERE account_id = @account AND person_id = @person

-- name: member_joined
UPDATE member SET joined_at = @at WHERE account_id = @account AND person_id = @person AND joined_at IS NULL

-- name: count_owners
SELECT count(*) FROM member WHERE account_id = @account AND role = 'owner'
