-- name: revoke
INSERT INTO revoked_session (id, until) VALUES (@id, @until)
