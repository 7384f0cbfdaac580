-- name: messages
SELECT body FROM delivery ORDER BY id
