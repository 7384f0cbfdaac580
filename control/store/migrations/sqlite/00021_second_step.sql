-- +goose NO TRANSACTION
-- +goose Up
-- A second step at log-in: codes of an app, from a secret that is kept sealed; or one of ten recovery codes, kept as hashes.
CREATE TABLE IF NOT EXISTS second_step (
  person_id TEXT NOT NULL PRIMARY KEY REFERENCES person (id),
  secret BLOB NOT NULL,
  used INTEGER NOT NULL,
  begun_at INTEGER NOT NULL,
  since INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recovery_code (
  person_id TEXT NOT NULL REFERENCES person (id),
  hash BLOB NOT NULL,
  used_at INTEGER,
  PRIMARY KEY (person_id, hash)
) STRICT, WITHOUT ROWID;
-- A log-in that waits for its second step, in one browser. The secret of its cookie is kept as a hash.
CREATE TABLE IF NOT EXISTS half_login (
  hash BLOB NOT NULL PRIMARY KEY,
  person_id TEXT NOT NULL REFERENCES person (id),
  account_id TEXT NOT NULL,
  action TEXT NOT NULL,
  tries INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS half_login_by_person ON half_login (person_id);
