-- +goose NO TRANSACTION
-- +goose Up
-- A member is a person in an account, with a role in all of it.
CREATE TABLE IF NOT EXISTS member (
  account_id UUID NOT NULL REFERENCES account (id),
  person_id UUID NOT NULL REFERENCES person (id),
  role TEXT NOT NULL,
  added_at TIMESTAMPTZ NOT NULL,
  joined_at TIMESTAMPTZ,
  PRIMARY KEY (account_id, person_id)
);
CREATE INDEX IF NOT EXISTS member_by_person ON member (person_id);
