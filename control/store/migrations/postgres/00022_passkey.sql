-- +goose NO TRANSACTION
-- +goose Up
-- A passkey logs its person in: what is kept is a public key (WebAuthn).
CREATE TABLE IF NOT EXISTS passkey (
  id UUID NOT NULL PRIMARY KEY,
  person_id UUID NOT NULL REFERENCES person (id),
  credential_id BYTEA NOT NULL UNIQUE,
  credential JSONB NOT NULL,
  name TEXT NOT NULL,
  made_at TIMESTAMPTZ NOT NULL,
  used_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS passkey_by_person ON passkey (person_id);
-- A challenge is what one browser's passkey is to sign, once. The secret of its cookie is kept as a hash.
CREATE TABLE IF NOT EXISTS challenge (
  hash BYTEA NOT NULL PRIMARY KEY,
  person_id UUID REFERENCES person (id),
  session JSONB NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS challenge_by_person ON challenge (person_id);
