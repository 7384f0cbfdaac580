-- name: states
SELECT kind, state, attempts, status, answer, body FROM delivery ORDER BY id

-- name: mails
SELECT recipient, kind, message FROM mail ORDER BY id
