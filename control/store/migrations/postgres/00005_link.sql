-- +goose NO TRANSACTION
-- +goose Up
-- A link is one that a mail brought: to sign up, to log in, to choose a password, to join an account. It works once.
CREATE TABLE IF NOT EXISTS link (
  hash BYTEA NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  person_id UUID REFERENCES person (id),
  account_id UUID REFERENCES account (id),
  data JSONB NOT NULL,
  browser BYTEA,
  code BYTEA,
  tries INT8 NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  used_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS link_by_person ON link (person_id);
CREATE INDEX IF NOT EXISTS link_by_browser ON link (browser) WHERE browser IS NOT NULL;
