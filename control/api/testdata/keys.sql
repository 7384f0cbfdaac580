-- name: key_hashes
SELECT hash FROM api_key
