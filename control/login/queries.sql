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
