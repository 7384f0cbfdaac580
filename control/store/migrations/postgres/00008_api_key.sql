-- +goose NO TRANSACTION
-- +goose Up
-- An API key acts for an account without a person. The key is kept as a hash; one that was revoked stays, for its name.
CREATE TABLE IF NOT EXISTS api_key (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES account (id),
  hash BYTEA NOT NULL UNIQUE,
  start TEXT NOT NULL,
  name TEXT NOT NULL,
  scopes JSONB NOT NULL,
  made_by UUID NOT NULL REFERENCES person (id),
  made_at TIMESTAMPTZ NOT NULL,
  used_at TIMESTAMPTZ,
  expires_at TIMESTAMPTZ,
  revoked_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS api_key_by_account ON api_key (account_id);
