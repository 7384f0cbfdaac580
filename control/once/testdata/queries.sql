-- name: make
INSERT INTO account (id, name, created_at) VALUES (@id, @name, @at)

-- name: count
SELECT count(*) FROM account WHERE name = @name

-- name: kept
SELECT count(*) FROM kept_answer

-- name: answers
SELECT answer FROM kept_answer
