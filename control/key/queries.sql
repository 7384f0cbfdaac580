-- name: insert_key
INSERT INTO api_key (id, account_id, hash, start, name, scopes, made_by, made_at, expires_at)
VALUES (@id, @account, @hash, @start, @name, @scopes, @made_by, @made_at, @expires_at)

-- name: key_by_hash
SELECT id, account_id, start, name, scopes, made_by, made_at, used_at, expires_at
FROM api_key WHERE hash = @hash AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > @now)

-- name: key_used
UPDATE api_key SET used_at = @at WHERE id = @id

-- name: keys_of_account
SELECT id, account_id, start, name, scopes, made_by, made_at, used_at, expires_at
FROM api_key WHERE account_id = @account AND revoked_at IS NULL ORDER BY made_at DESC, id DESC

-- name: revoke_key
UPDATE api_key SET revoked_at = @at WHERE id = @id AND account_id = @account AND revoked_at IS NULL

-- name: key_name
SELECT name FROM api_key WHERE id = @id

-- name: keys_made_by
SELECT id, account_id, start, name, scopes, made_by, made_at, used_at, expires_at
FROM api_key WHERE made_by = @person ORDER BY made_at, id
