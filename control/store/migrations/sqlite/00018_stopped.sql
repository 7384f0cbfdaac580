-- +goose NO TRANSACTION
-- +goose Up
-- Mails about a topic that an address wants no more of an account.
CREATE TABLE IF NOT EXISTS stopped (
  account_id TEXT NOT NULL,
  address TEXT NOT NULL,
  topic TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account_id, address, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS stopped_by_address ON stopped (address);
CREATE INDEX IF NOT EXISTS audit_by_subject ON audit (account_id, subject, number);
