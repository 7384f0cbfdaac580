-- +goose NO TRANSACTION
-- +goose Up
-- The audit log: one chain of hashes an account. Persons stand in it by their id.
CREATE TABLE IF NOT EXISTS audit (
  account_id UUID NOT NULL,
  number INT8 NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  actor TEXT NOT NULL,
  actor_id UUID,
  network TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (account_id, number)
);
