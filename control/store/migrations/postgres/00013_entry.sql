-- +goose NO TRANSACTION
-- +goose Up
-- An entry is one person's stay at an event, begun at the door. Its id is the session of its tokens.
CREATE TABLE IF NOT EXISTS entry (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL,
  event_id UUID NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  guest_id UUID,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  language TEXT NOT NULL,
  way TEXT NOT NULL,
  network TEXT NOT NULL,
  began_at TIMESTAMPTZ NOT NULL,
  seen_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_by_event ON entry (event_id, began_at, id);
CREATE INDEX IF NOT EXISTS entry_by_guest ON entry (guest_id, began_at) WHERE guest_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_by_email ON entry (email) WHERE email <> '';
-- A session whose tokens do not count any more, until they have run out.
CREATE TABLE IF NOT EXISTS revoked_session (
  id UUID NOT NULL PRIMARY KEY,
  until TIMESTAMPTZ NOT NULL
);
