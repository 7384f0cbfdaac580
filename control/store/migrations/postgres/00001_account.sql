-- +goose NO TRANSACTION
-- +goose Up
-- An account is a customer: it owns events, members and storage.
CREATE TABLE IF NOT EXISTS account (
  id UUID NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
