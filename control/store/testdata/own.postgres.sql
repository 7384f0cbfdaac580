-- name: make_value
CREATE TABLE value (
  id UUID NOT NULL PRIMARY KEY, at TIMESTAMPTZ NOT NULL, may TIMESTAMPTZ, ok BOOL NOT NULL, n INT8 NOT NULL,
  text TEXT NOT NULL, bytes BYTEA NOT NULL, json JSONB NOT NULL
)

-- name: make_counter
CREATE TABLE counter (name TEXT NOT NULL PRIMARY KEY, n INT8 NOT NULL)

-- name: values_among
SELECT id FROM value WHERE id = ANY(@ids) ORDER BY id

-- name: values_named
SELECT id FROM value WHERE text = ANY(@texts) ORDER BY id

-- name: end_connection
SELECT pg_terminate_backend(pg_backend_pid())
