-- +goose NO TRANSACTION
-- +goose Up
-- An account is a customer: it owns events, members and storage.
CREATE TABLE IF NOT EXISTS account (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
