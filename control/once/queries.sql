-- name: claim
INSERT INTO kept_answer (hash, request, expires_at) VALUES (@hash, @request, @expires_at)
ON CONFLICT (hash) DO UPDATE SET request = excluded.request, answer = NULL, expires_at = excluded.expires_at
WHERE kept_answer.expires_at <= @now

-- name: kept
SELECT request, answer FROM kept_answer WHERE hash = @hash

-- name: keep
UPDATE kept_answer SET answer = @answer WHERE hash = @hash

-- name: sweep
DELETE FROM kept_answer WHERE expires_at <= @now

-- name: forget
UPDATE kept_answer SET answer = NULL WHERE replace(answer, @email, '') <> answer
