-- name: addresses
SELECT address FROM guest ORDER BY address

-- name: recipients
SELECT recipient FROM mail ORDER BY recipient
