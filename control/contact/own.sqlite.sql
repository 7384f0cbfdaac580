-- name: insert_contacts
INSERT INTO contact (id, account_id, name, email, address, words, language, version, created_at)
SELECT r.value ->> 'id', @account, r.value ->> 'name', r.value ->> 'email', r.value ->> 'address', r.value ->> 'words',
  r.value ->> 'language', 1, @at
FROM json_each(@rows) AS r WHERE true
ON CONFLICT (address, account_id) DO NOTHING

-- name: put_addresses
INSERT INTO contact_in_group (group_id, contact_id)
SELECT @group, c.id FROM contact c WHERE c.account_id = @account AND c.address IN (SELECT value FROM json_each(@addresses))
ON CONFLICT (group_id, contact_id) DO NOTHING

-- name: put_contacts
INSERT INTO contact_in_group (group_id, contact_id)
SELECT @group, c.id FROM contact c WHERE c.account_id = @account AND c.id IN (SELECT value FROM json_each(@contacts))
ON CONFLICT (group_id, contact_id) DO NOTHING

-- name: take_contacts
DELETE FROM contact_in_group WHERE group_id = @group AND contact_id IN (SELECT value FROM json_each(@contacts))

-- name: delete_contacts
DELETE FROM contact WHERE account_id = @account AND id IN (SELECT value FROM json_each(@contacts))

-- name: known_contacts
SELECT id FROM contact WHERE account_id = @account AND id IN (SELECT value FROM json_each(@contacts))

-- name: chosen_contacts
SELECT c.id, c.account_id, c.name, c.email, c.address, c.words, c.language, c.version, c.created_at FROM contact c
WHERE c.account_id = @account AND (c.id IN (SELECT value FROM json_each(@contacts))
  OR EXISTS (SELECT 1 FROM contact_in_group m WHERE m.contact_id = c.id AND m.group_id IN (SELECT value FROM json_each(@groups))))
ORDER BY c.words, c.id LIMIT @n
