-- +goose NO TRANSACTION
-- +goose Up
-- The audit log: one chain of hashes an account. Persons stand in it by their id.
CREATE TABLE IF NOT EXISTS audit (
  account_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  actor_id TEXT,
  network TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (account_id, number)
) STRICT, WITHOUT ROWID;
