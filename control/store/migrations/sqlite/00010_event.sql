-- +goose NO TRANSACTION
-- +goose Up
-- An event is a webcast, a webinar, a meeting or a room, with its dates and its access rule.
CREATE TABLE IF NOT EXISTS event (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  slug TEXT NOT NULL UNIQUE,
  number TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  words TEXT NOT NULL,
  description TEXT NOT NULL,
  languages TEXT NOT NULL,
  starts_at INTEGER NOT NULL,
  ends_at INTEGER,
  time_zone TEXT NOT NULL,
  state TEXT NOT NULL,
  access TEXT NOT NULL,
  password TEXT,
  agenda TEXT NOT NULL,
  lobby TEXT NOT NULL,
  options TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  cancelled_at INTEGER,
  held_at INTEGER,
  ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_by_start ON event (account_id, starts_at, id);
CREATE INDEX IF NOT EXISTS event_on ON event (state) WHERE state IN ('preparation', 'live');
CREATE INDEX IF NOT EXISTS event_unheld ON event (starts_at) WHERE held_at IS NULL;
