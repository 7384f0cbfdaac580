-- +goose NO TRANSACTION
-- +goose Up
-- A passkey logs its person in: what is kept is a public key (WebAuthn).
CREATE TABLE IF NOT EXISTS passkey (
  id TEXT NOT NULL PRIMARY KEY,
  person_id TEXT NOT NULL REFERENCES person (id),
  credential_id BLOB NOT NULL UNIQUE,
  credential TEXT NOT NULL,
  name TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passkey_by_person ON passkey (person_id);
-- A challenge is what one browser's passkey is to sign, once. The secret of its cookie is kept as a hash.
CREATE TABLE IF NOT EXISTS challenge (
  hash BLOB NOT NULL PRIMARY KEY,
  person_id TEXT REFERENCES person (id),
  session TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS challenge_by_person ON challenge (person_id);
