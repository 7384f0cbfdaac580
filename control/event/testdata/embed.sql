-- name: test_account
INSERT INTO account (id, name, created_at) VALUES (@id, 'Nordlicht', @at)
