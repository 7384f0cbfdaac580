-- +goose NO TRANSACTION
-- +goose Up
-- A second step at log-in: codes of an app, from a secret that is kept sealed; or one of ten recovery codes, kept as hashes.
CREATE TABLE IF NOT EXISTS second_step (
  person_id UUID NOT NULL PRIMARY KEY REFERENCES person (id),
  secret BYTEA NOT NULL,
  used INT8 NOT NULL,
  begun_at TIMESTAMPTZ NOT NULL,
  since TIMESTAMPTZ
);
CREATE TABLE IF NOT EXISTS recovery_code (
  person_id UUID NOT NULL REFERENCES person (id),
  hash BYTEA NOT NULL,
  used_at TIMESTAMPTZ,
  PRIMARY KEY (person_id, hash)
);
-- A log-in that waits for its second step, in one browser. The secret of its cookie is kept as a hash.
CREATE TABLE IF NOT EXISTS half_login (
  hash BYTEA NOT NULL PRIMARY KEY,
  person_id UUID NOT NULL REFERENCES person (id),
  account_id UUID NOT NULL,
  action TEXT NOT NULL,
  tries INT8 NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS half_login_by_person ON half_login (person_id);
