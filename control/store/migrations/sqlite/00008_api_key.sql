-- +goose NO TRANSACTION
-- +goose Up
-- An API key acts for an account without a person. The key is kept as a hash; one that was revoked stays, for its name.
CREATE TABLE IF NOT EXISTS api_key (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  hash BLOB NOT NULL UNIQUE,
  start TEXT NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  made_by TEXT NOT NULL REFERENCES person (id),
  made_at INTEGER NOT NULL,
  used_at INTEGER,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS api_key_by_account ON api_key (account_id);
