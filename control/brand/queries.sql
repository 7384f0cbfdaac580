-- name: brand_by_id
SELECT look, version FROM brand WHERE account_id = @account AND id = @id

-- name: keep_brand
INSERT INTO brand (id, account_id, event_id, look, version)
VALUES (@id, @account, @event, @look, 1)
ON CONFLICT (id) DO UPDATE SET look = excluded.look, version = brand.version + 1

-- name: looks
SELECT look FROM brand WHERE account_id = @account

-- name: keep_image
INSERT INTO image (hash, account_id, type, data) VALUES (@hash, @account, @type, @data)
ON CONFLICT (hash, account_id) DO NOTHING

-- name: image_by_hash
SELECT type, data FROM image WHERE hash = @hash LIMIT 1

-- name: hashes_of_account
SELECT hash FROM image WHERE account_id = @account

-- name: delete_image
DELETE FROM image WHERE account_id = @account AND hash = @hash

-- name: accounts_with_images
SELECT DISTINCT account_id FROM image WHERE account_id > @after ORDER BY account_id LIMIT @n
