-- +goose NO TRANSACTION
-- +goose Up
-- A person logs in, by an address that is unique in lower case. Who was erased keeps the id alone.
CREATE TABLE IF NOT EXISTS person (
  id UUID NOT NULL PRIMARY KEY,
  email TEXT UNIQUE,
  name TEXT NOT NULL,
  password TEXT,
  language TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  country TEXT NOT NULL,
  signature TEXT NOT NULL,
  version INT8 NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  erased_at TIMESTAMPTZ
);
