-- +goose NO TRANSACTION
-- +goose Up
-- A delivery waits until its webhook has taken it, and tells what became of it.
CREATE TABLE IF NOT EXISTS delivery (
  id TEXT NOT NULL PRIMARY KEY,
  hook_id TEXT NOT NULL REFERENCES hook (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  status INTEGER,
  answer TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  settled_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivery_by_hook ON delivery (hook_id, id);
CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery (hook_id, id) WHERE state = 'waiting';
