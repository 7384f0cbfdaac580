-- name: key_hashes
SELECT hash FROM api_key

-- name: answers
SELECT answer FROM kept_answer
