-- +goose NO TRANSACTION
-- +goose Up
-- A login is a browser in which a person is logged in. The secret of its cookie is kept as a hash.
CREATE TABLE IF NOT EXISTS login (
  hash BLOB NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  person_id TEXT NOT NULL REFERENCES person (id),
  account_id TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS login_by_person ON login (person_id);
