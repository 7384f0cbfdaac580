-- +goose NO TRANSACTION
-- +goose Up
-- A mail waits here until a server has taken it, and tells what became of it.
CREATE TABLE IF NOT EXISTS mail (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID,
  event_id UUID,
  kind TEXT NOT NULL,
  recipient TEXT NOT NULL,
  message JSONB NOT NULL,
  state TEXT NOT NULL,
  attempts INT8 NOT NULL,
  next_at TIMESTAMPTZ,
  answer TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  sent_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS mail_due ON mail (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS mail_by_event ON mail (account_id, event_id, created_at);
