-- +goose NO TRANSACTION
-- +goose Up
-- Mails to many guests of an event, written some at a time: those behind last_id wait. Which reminders have begun.
CREATE TABLE IF NOT EXISTS mailing (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  event_id TEXT NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  guests TEXT NOT NULL,
  fresh INTEGER NOT NULL,
  came_before INTEGER NOT NULL,
  last_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  done_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mailing_open ON mailing (created_at) WHERE done_at IS NULL;
CREATE INDEX IF NOT EXISTS mailing_by_event ON mailing (event_id);
CREATE TABLE IF NOT EXISTS reminder (
  event_id TEXT NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  starts_at INTEGER NOT NULL,
  mailing_id TEXT NOT NULL,
  PRIMARY KEY (event_id, kind, starts_at)
) STRICT, WITHOUT ROWID;
