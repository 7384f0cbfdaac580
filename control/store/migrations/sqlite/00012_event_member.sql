-- +goose NO TRANSACTION
-- +goose Up
-- A member with a role in one event. It ends with the membership in the account.
CREATE TABLE IF NOT EXISTS event_member (
  account_id TEXT NOT NULL,
  event_id TEXT NOT NULL REFERENCES event (id) ON DELETE CASCADE,
  person_id TEXT NOT NULL,
  role TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  PRIMARY KEY (event_id, person_id),
  FOREIGN KEY (account_id, person_id) REFERENCES member (account_id, person_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_member_by_person ON event_member (account_id, person_id);
