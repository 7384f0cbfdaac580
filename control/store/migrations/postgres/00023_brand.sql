-- +goose NO TRANSACTION
-- +goose Up
-- How pages and mails look: of an account, whose id it has, or of an event, whose id it has.
CREATE TABLE IF NOT EXISTS brand (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES account (id),
  event_id UUID REFERENCES event (id) ON DELETE CASCADE,
  look JSONB NOT NULL,
  version INT8 NOT NULL
);
CREATE INDEX IF NOT EXISTS brand_by_account ON brand (account_id);
CREATE INDEX IF NOT EXISTS brand_by_event ON brand (event_id);
-- An image that brands of an account name, by the SHA-256 of its bytes in hex.
CREATE TABLE IF NOT EXISTS image (
  hash TEXT NOT NULL,
  account_id UUID NOT NULL REFERENCES account (id),
  type TEXT NOT NULL,
  data BYTEA NOT NULL,
  PRIMARY KEY (hash, account_id)
);
CREATE INDEX IF NOT EXISTS image_by_account ON image (account_id);
