-- name: contact_by_id
SELECT id, account_id, name, email, address, language, version, created_at FROM contact WHERE account_id = @account AND id = @id

-- name: contacts_after
SELECT c.id, c.account_id, c.name, c.email, c.address, c.words, c.language, c.version, c.created_at FROM contact c
WHERE c.account_id = @account AND (c.words > @after OR (c.words = @after AND c.id > @after_id)) AND c.words LIKE @words
  AND (@all OR EXISTS (SELECT 1 FROM contact_in_group m WHERE m.group_id = @group AND m.contact_id = c.id))
ORDER BY c.words, c.id LIMIT @n

-- name: count_contacts
SELECT count(*) FROM contact c
WHERE c.account_id = @account AND c.words LIKE @words
  AND (@all OR EXISTS (SELECT 1 FROM contact_in_group m WHERE m.group_id = @group AND m.contact_id = c.id))

-- name: update_contact
UPDATE contact SET name = @name, email = @email, address = @address, words = @words, language = @language, version = version + 1
WHERE account_id = @account AND id = @id AND version = @version

-- name: contact_with_address
SELECT id FROM contact WHERE account_id = @account AND address = @address

-- name: contacts_of_address
SELECT c.account_id, a.name AS account_name, c.name, c.email, c.language, c.created_at
FROM contact c JOIN account a ON a.id = c.account_id WHERE c.address = @address ORDER BY c.id

-- name: forget_contacts
DELETE FROM contact WHERE address = @address

-- name: groups_of_account
SELECT g.id, g.account_id, g.name, g.created_at, (SELECT count(*) FROM contact_in_group m WHERE m.group_id = g.id) AS contacts
FROM contact_group g WHERE g.account_id = @account ORDER BY g.words, g.id

-- name: insert_group
INSERT INTO contact_group (id, account_id, name, words, created_at) VALUES (@id, @account, @name, @words, @at)
ON CONFLICT (account_id, words) DO NOTHING

-- name: group_called
SELECT id FROM contact_group WHERE account_id = @account AND words = @words

-- name: rename_group
UPDATE contact_group SET name = @name, words = @words WHERE account_id = @account AND id = @id

-- name: delete_group
DELETE FROM contact_group WHERE account_id = @account AND id = @id
