-- +goose NO TRANSACTION
-- +goose Up
-- Somebody in the address book of an account.
CREATE TABLE IF NOT EXISTS contact (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  address TEXT NOT NULL,
  words TEXT NOT NULL,
  language TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (address, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contact_by_words ON contact (account_id, words, id);
-- A group of contacts; no two of an account are called the same, whatever their case and accents.
CREATE TABLE IF NOT EXISTS contact_group (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  words TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (account_id, words)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contact_in_group (
  group_id TEXT NOT NULL REFERENCES contact_group (id) ON DELETE CASCADE,
  contact_id TEXT NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contact_in_group_by_contact ON contact_in_group (contact_id);
