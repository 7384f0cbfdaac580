-- name: make_value
CREATE TABLE value (
  id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, may INTEGER, ok INTEGER NOT NULL, n INTEGER NOT NULL,
  text TEXT NOT NULL, bytes BLOB NOT NULL, json TEXT NOT NULL
) STRICT, WITHOUT ROWID

-- name: make_counter
CREATE TABLE counter (name TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID

-- name: values_among
SELECT id FROM value WHERE id IN (SELECT value FROM json_each(@ids)) ORDER BY id

-- name: values_named
SELECT id FROM value WHERE text IN (SELECT value FROM json_each(@texts)) ORDER BY id

-- name: end_connection
SELECT 1
