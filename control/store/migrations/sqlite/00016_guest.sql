-- +goose NO TRANSACTION
-- +goose Up
-- Somebody on the list of an event. One who was erased has neither address, name nor answers, and is counted.
CREATE TABLE IF NOT EXISTS guest (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  event_id TEXT NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  address TEXT,
  words TEXT NOT NULL,
  language TEXT NOT NULL,
  source TEXT NOT NULL,
  state TEXT NOT NULL,
  answers TEXT NOT NULL,
  pass_epoch INTEGER NOT NULL,
  added_by TEXT,
  mail_id TEXT,
  created_at INTEGER NOT NULL,
  invited_at INTEGER,
  seen_at INTEGER,
  UNIQUE (address, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS guest_by_event ON guest (event_id, id);
CREATE INDEX IF NOT EXISTS guest_by_state ON guest (event_id, state, id);
