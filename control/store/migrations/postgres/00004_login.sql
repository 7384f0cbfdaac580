-- +goose NO TRANSACTION
-- +goose Up
-- A login is a browser in which a person is logged in. The secret of its cookie is kept as a hash.
CREATE TABLE IF NOT EXISTS login (
  hash BYTEA NOT NULL PRIMARY KEY,
  id UUID NOT NULL UNIQUE,
  person_id UUID NOT NULL REFERENCES person (id),
  account_id UUID NOT NULL,
  began_at TIMESTAMPTZ NOT NULL,
  seen_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS login_by_person ON login (person_id);
