-- +goose NO TRANSACTION
-- +goose Up
-- Somebody in the address book of an account.
CREATE TABLE IF NOT EXISTS contact (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  address TEXT NOT NULL,
  words TEXT NOT NULL,
  language TEXT NOT NULL,
  version INT8 NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  UNIQUE (address, account_id)
);
CREATE INDEX IF NOT EXISTS contact_by_words ON contact (account_id, words, id);
-- A group of contacts; no two of an account are called the same, whatever their case and accents.
CREATE TABLE IF NOT EXISTS contact_group (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  words TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  UNIQUE (account_id, words)
);
CREATE TABLE IF NOT EXISTS contact_in_group (
  group_id UUID NOT NULL REFERENCES contact_group (id) ON DELETE CASCADE,
  contact_id UUID NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, contact_id)
);
CREATE INDEX IF NOT EXISTS contact_in_group_by_contact ON contact_in_group (contact_id);
