-- +goose NO TRANSACTION
-- +goose Up
-- A member with a role in one event. It ends with the membership in the account.
CREATE TABLE IF NOT EXISTS event_member (
  account_id UUID NOT NULL,
  event_id UUID NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  person_id UUID NOT NULL,
  role TEXT NOT NULL,
  added_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (event_id, person_id),
  FOREIGN KEY (account_id, person_id) REFERENCES member (account_id, person_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS event_member_by_person ON event_member (account_id, person_id);
