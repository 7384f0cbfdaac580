-- name: insert_login
INSERT INTO login (hash, id, person_id, account_id, began_at, seen_at, expires_at, address, agent)
VALUES (@hash, @id, @person, @account, @began_at, @seen_at, @expires_at, @address, @agent)

-- name: login_by_hash
SELECT id, person_id, account_id, began_at, seen_at, expires_at, address, agent
FROM login WHERE hash = @hash AND expires_at > @now

-- name: login_seen
UPDATE login SET seen_at = @seen_at, expires_at = @expires_at WHERE id = @id

-- name: logins_of_person
SELECT id, person_id, account_id, began_at, seen_at, expires_at, address, agent
FROM login WHERE person_id = @person AND expires_at > @now ORDER BY seen_at DESC, id

-- name: login_moved
UPDATE login SET account_id = @account WHERE id = @id

-- name: delete_login
DELETE FROM login WHERE id = @id AND person_id = @person

-- name: delete_other_logins
DELETE FROM login WHERE person_id = @person AND id <> @but

-- name: delete_logins_in_account
DELETE FROM login WHERE person_id = @person AND account_id = @account

-- name: sweep_logins
DELETE FROM login WHERE expires_at <= @now

-- name: insert_link
INSERT INTO link (hash, kind, person_id, account_id, data, browser, code, tries, expires_at)
VALUES (@hash, @kind, @person, @account, @data, @browser, @code, 0, @expires_at)

-- name: link_by_hash
SELECT kind, person_id, account_id, data, browser, expires_at
FROM link WHERE hash = @hash AND kind = @kind AND used_at IS NULL AND expires_at > @now

-- name: links_by_browser
SELECT kind, person_id, account_id, data, browser, expires_at, hash, code, tries
FROM link WHERE browser = @browser AND used_at IS NULL AND expires_at > @now
ORDER BY expires_at DESC LIMIT 1

-- name: use_link
UPDATE link SET used_at = @now WHERE hash = @hash AND used_at IS NULL

-- name: try_link
UPDATE link SET tries = tries + 1 WHERE hash = @hash

-- name: sweep_links
DELETE FROM link WHERE expires_at <= @now

-- name: use_links_of_kind
UPDATE link SET used_at = @now WHERE person_id = @person AND kind = @kind AND used_at IS NULL

-- name: links_of_person
SELECT kind, person_id, account_id, data, browser, expires_at
FROM link WHERE person_id = @person OR data->>'email' = @email ORDER BY expires_at, kind

-- name: delete_links_of_person
DELETE FROM link WHERE person_id = @person OR data->>'email' = @email

-- name: begin_step
INSERT INTO second_step (person_id, secret, used, begun_at) VALUES (@person, @secret, 0, @now)
ON CONFLICT (person_id) DO UPDATE SET secret = excluded.secret, used = 0, begun_at = excluded.begun_at
WHERE second_step.since IS NULL

-- name: step_of
SELECT secret, begun_at, since FROM second_step WHERE person_id = @person

-- name: use_step
UPDATE second_step SET used = @number WHERE person_id = @person AND used < @number

-- name: step_since
UPDATE second_step SET since = @now WHERE person_id = @person AND since IS NULL

-- name: delete_step
DELETE FROM second_step WHERE person_id = @person

-- name: sweep_steps
DELETE FROM second_step WHERE since IS NULL AND begun_at <= @before

-- name: insert_recovery_code
INSERT INTO recovery_code (person_id, hash) VALUES (@person, @hash)

-- name: use_recovery_code
UPDATE recovery_code SET used_at = @now WHERE person_id = @person AND hash = @hash AND used_at IS NULL

-- name: recovery_codes_left
SELECT count(*) FROM recovery_code WHERE person_id = @person AND used_at IS NULL

-- name: delete_recovery_codes
DELETE FROM recovery_code WHERE person_id = @person

-- name: insert_half
INSERT INTO half_login (hash, person_id, account_id, action, tries, expires_at)
VALUES (@hash, @person, @account, @action, 0, @expires_at)

-- name: half_by_hash
SELECT person_id, account_id, action FROM half_login WHERE hash = @hash AND expires_at > @now

-- name: try_half
UPDATE half_login SET tries = tries + 1 WHERE hash = @hash AND tries < @most

-- name: delete_half
DELETE FROM half_login WHERE hash = @hash

-- name: delete_halves
DELETE FROM half_login WHERE person_id = @person

-- name: sweep_halves
DELETE FROM half_login WHERE expires_at <= @now

-- name: insert_passkey
INSERT INTO passkey (id, person_id, credential_id, credential, name, made_at)
VALUES (@id, @person, @credential_id, @credential, @name, @made_at)
ON CONFLICT (credential_id) DO NOTHING

-- name: passkeys_of_person
SELECT id, person_id, credential, name, made_at, used_at FROM passkey WHERE person_id = @person ORDER BY made_at, id

-- name: passkey_used
UPDATE passkey SET credential = @credential, used_at = @now WHERE credential_id = @credential_id

-- name: delete_passkey
DELETE FROM passkey WHERE id = @id AND person_id = @person

-- name: delete_passkeys
DELETE FROM passkey WHERE person_id = @person

-- name: insert_challenge
INSERT INTO challenge (hash, person_id, session, expires_at) VALUES (@hash, @person, @session, @expires_at)

-- name: use_challenge
DELETE FROM challenge WHERE hash = @hash AND expires_at > @now RETURNING person_id, session

-- name: delete_challenges
DELETE FROM challenge WHERE person_id = @person

-- name: sweep_challenges
DELETE FROM challenge WHERE expires_at <= @now
