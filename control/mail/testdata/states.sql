-- name: states
SELECT recipient, state, attempts FROM mail ORDER BY recipient
