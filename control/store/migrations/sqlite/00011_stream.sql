-- +goose NO TRANSACTION
-- +goose Up
-- A stream is what one publisher sends within an event. Its key is kept as a hash.
CREATE TABLE IF NOT EXISTS stream (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  event_id TEXT NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  key_hash BLOB,
  keyed_at INTEGER,
  created_at INTEGER NOT NULL,
  closed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS stream_by_event ON stream (event_id, created_at, id);
