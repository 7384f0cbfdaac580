-- +goose NO TRANSACTION
-- +goose Up
-- Somebody on the list of an event. One who was erased has neither address, name nor answers, and is counted.
CREATE TABLE IF NOT EXISTS guest (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL,
  event_id UUID NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  address TEXT,
  words TEXT NOT NULL,
  language TEXT NOT NULL,
  source TEXT NOT NULL,
  state TEXT NOT NULL,
  answers JSONB NOT NULL,
  pass_epoch INT8 NOT NULL,
  added_by UUID,
  mail_id UUID,
  created_at TIMESTAMPTZ NOT NULL,
  invited_at TIMESTAMPTZ,
  seen_at TIMESTAMPTZ,
  UNIQUE (address, event_id)
);
CREATE INDEX IF NOT EXISTS guest_by_event ON guest (event_id, id);
CREATE INDEX IF NOT EXISTS guest_by_state ON guest (event_id, state, id);
