-- +goose NO TRANSACTION
-- +goose Up
-- Mails to many guests of an event, written some at a time: those behind last_id wait. Which reminders have begun.
CREATE TABLE IF NOT EXISTS mailing (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL,
  event_id UUID NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  guests JSONB NOT NULL,
  fresh BOOL NOT NULL,
  came_before TIMESTAMPTZ NOT NULL,
  last_id UUID NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  done_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS mailing_open ON mailing (created_at) WHERE done_at IS NULL;
CREATE INDEX IF NOT EXISTS mailing_by_event ON mailing (event_id);
CREATE TABLE IF NOT EXISTS reminder (
  event_id UUID NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  starts_at TIMESTAMPTZ NOT NULL,
  mailing_id UUID NOT NULL,
  PRIMARY KEY (event_id, kind, starts_at)
);
