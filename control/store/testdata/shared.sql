-- name: put_value
INSERT INTO value (id, at, may, ok, n, text, bytes, json)
VALUES (@id, @at, @may, @ok, @n, @text, @bytes, @json)

-- name: get_value
SELECT id, at, may, ok, n, text, bytes, json FROM value WHERE id = @id

-- name: count_values
SELECT count(*) FROM value

-- name: put_counter
INSERT INTO counter (name, n) VALUES (@name, @n)
ON CONFLICT (name) DO NOTHING

-- name: get_counter
SELECT n FROM counter WHERE name = @name

-- name: set_counter
UPDATE counter SET n = @n WHERE name = @name

-- name: raise_counter
UPDATE counter SET n = n + 1 WHERE name = @name RETURNING n

-- name: sum_counters
SELECT CAST(coalesce(sum(n), 0) AS INTEGER) FROM counter

-- name: count_named
SELECT count(*) FROM counter WHERE name = @name
