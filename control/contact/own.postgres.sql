-- name: insert_contacts
INSERT INTO contact (id, account_id, name, email, address, words, language, version, created_at)
SELECT (r.v ->> 'id')::UUID, @account::UUID, r.v ->> 'name', r.v ->> 'email', r.v ->> 'address', r.v ->> 'words',
  r.v ->> 'language', 1, @at::TIMESTAMPTZ
FROM jsonb_array_elements(@rows::JSONB) AS r (v)
ON CONFLICT (address, account_id) DO NOTHING

-- name: put_addresses
INSERT INTO contact_in_group (group_id, contact_id)
SELECT @group::UUID, c.id FROM contact c WHERE c.account_id = @account AND c.address = ANY(@addresses)
ON CONFLICT (group_id, contact_id) DO NOTHING

-- name: put_contacts
INSERT INTO contact_in_group (group_id, contact_id)
SELECT @group::UUID, c.id FROM contact c WHERE c.account_id = @account AND c.id = ANY(@contacts)
ON CONFLICT (group_id, contact_id) DO NOTHING

-- name: take_contacts
DELETE FROM contact_in_group WHERE group_id = @group AND contact_id = ANY(@contacts)

-- name: delete_contacts
DELETE FROM contact WHERE account_id = @account AND id = ANY(@contacts)

-- name: known_contacts
SELECT id FROM contact WHERE account_id = @account AND id = ANY(@contacts)

-- name: chosen_contacts
SELECT c.id, c.account_id, c.name, c.email, c.address, c.words, c.language, c.version, c.created_at FROM contact c
WHERE c.account_id = @account AND (c.id = ANY(@contacts)
  OR EXISTS (SELECT 1 FROM contact_in_group m WHERE m.contact_id = c.id AND m.group_id = ANY(@groups)))
ORDER BY c.words, c.id LIMIT @n
