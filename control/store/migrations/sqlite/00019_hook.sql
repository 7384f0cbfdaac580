-- +goose NO TRANSACTION
-- +goose Up
-- A webhook is told of what happens in its account. What its messages are signed by follows from its id and the epoch.
CREATE TABLE IF NOT EXISTS hook (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  url TEXT NOT NULL,
  kinds TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  version INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  off_at INTEGER,
  failing_since INTEGER,
  next_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS hook_by_account ON hook (account_id);
