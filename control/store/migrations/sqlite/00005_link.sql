-- +goose NO TRANSACTION
-- +goose Up
-- A link is one that a mail brought: to sign up, to log in, to choose a password, to join an account. It works once.
CREATE TABLE IF NOT EXISTS link (
  hash BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  person_id TEXT REFERENCES person (id),
  account_id TEXT REFERENCES account (id),
  data TEXT NOT NULL,
  browser BLOB,
  code BLOB,
  tries INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_by_person ON link (person_id);
CREATE INDEX IF NOT EXISTS link_by_browser ON link (browser) WHERE browser IS NOT NULL;
