-- +goose NO TRANSACTION
-- +goose Up
-- A mail waits here until a server has taken it, and tells what became of it.
CREATE TABLE IF NOT EXISTS mail (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT,
  event_id TEXT,
  kind TEXT NOT NULL,
  recipient TEXT NOT NULL,
  message TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER,
  answer TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  sent_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mail_due ON mail (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS mail_by_event ON mail (account_id, event_id, created_at);
