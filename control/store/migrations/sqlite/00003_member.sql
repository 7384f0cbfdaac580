-- +goose NO TRANSACTION
-- +goose Up
-- A member is a person in an account, with a role in all of it.
CREATE TABLE IF NOT EXISTS member (
  account_id TEXT NOT NULL REFERENCES account (id),
  person_id TEXT NOT NULL REFERENCES person (id),
  role TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  joined_at INTEGER,
  PRIMARY KEY (account_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS member_by_person ON member (person_id);
