-- +goose NO TRANSACTION
-- +goose Up
-- A webhook is told of what happens in its account. What its messages are signed by follows from its id and the epoch.
CREATE TABLE IF NOT EXISTS hook (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES account (id),
  url TEXT NOT NULL,
  kinds JSONB NOT NULL,
  epoch INT8 NOT NULL,
  version INT8 NOT NULL,
  made_at TIMESTAMPTZ NOT NULL,
  off_at TIMESTAMPTZ,
  failing_since TIMESTAMPTZ,
  next_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS hook_by_account ON hook (account_id);
