-- +goose NO TRANSACTION
-- +goose Up
-- An event is a webcast, a webinar, a meeting or a room, with its dates and its access rule.
CREATE TABLE IF NOT EXISTS event (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES account (id),
  slug TEXT NOT NULL UNIQUE,
  number TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  words TEXT NOT NULL,
  description TEXT NOT NULL,
  languages JSONB NOT NULL,
  starts_at TIMESTAMPTZ NOT NULL,
  ends_at TIMESTAMPTZ,
  time_zone TEXT NOT NULL,
  state TEXT NOT NULL,
  access TEXT NOT NULL,
  password TEXT,
  agenda JSONB NOT NULL,
  lobby TEXT NOT NULL,
  options JSONB NOT NULL,
  version INT8 NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  cancelled_at TIMESTAMPTZ,
  held_at TIMESTAMPTZ,
  ended_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS event_by_start ON event (account_id, starts_at, id);
CREATE INDEX IF NOT EXISTS event_on ON event (state) WHERE state IN ('preparation', 'live');
CREATE INDEX IF NOT EXISTS event_unheld ON event (starts_at) WHERE held_at IS NULL;
