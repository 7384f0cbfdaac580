-- +goose NO TRANSACTION
-- +goose Up
-- A quote that was asked for. Once it is accepted it is the order form of its event, and goes with it.
CREATE TABLE IF NOT EXISTS quote (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID REFERENCES account (id),
  event_id UUID REFERENCES event (id) ON DELETE CASCADE,
  organization TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  phone TEXT NOT NULL,
  language TEXT NOT NULL,
  pages TEXT NOT NULL,
  title TEXT NOT NULL,
  starts_at TIMESTAMPTZ NOT NULL,
  time_zone TEXT NOT NULL,
  minutes INT8 NOT NULL,
  viewers INT8 NOT NULL,
  languages JSONB NOT NULL,
  options JSONB NOT NULL,
  remarks TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_at TIMESTAMPTZ NOT NULL,
  decided_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX IF NOT EXISTS quote_by_event ON quote (event_id);
CREATE INDEX IF NOT EXISTS quote_by_email ON quote (email);
CREATE INDEX IF NOT EXISTS quote_by_age ON quote (asked_at, id);
