-- +goose NO TRANSACTION
-- +goose Up
-- A stream is what one publisher sends within an event. Its key is kept as a hash.
CREATE TABLE IF NOT EXISTS stream (
  id TEXT NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL,
  event_id UUID NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  key_hash BYTEA,
  keyed_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL,
  closed_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS stream_by_event ON stream (event_id, created_at, id);
