-- +goose NO TRANSACTION
-- +goose Up
-- A kept answer is that of a request which has a key of its caller's: sent again, it gets the same and does nothing.
CREATE TABLE IF NOT EXISTS kept_answer (
  hash BYTEA NOT NULL PRIMARY KEY,
  request BYTEA NOT NULL,
  answer TEXT,
  expires_at TIMESTAMPTZ NOT NULL
);
