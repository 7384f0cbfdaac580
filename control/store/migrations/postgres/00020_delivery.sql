-- +goose NO TRANSACTION
-- +goose Up
-- A delivery waits until its webhook has taken it, and tells what became of it.
CREATE TABLE IF NOT EXISTS delivery (
  id UUID NOT NULL PRIMARY KEY,
  hook_id UUID NOT NULL REFERENCES hook (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INT8 NOT NULL,
  status INT8,
  answer TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  settled_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS delivery_by_hook ON delivery (hook_id, id);
CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery (hook_id, id) WHERE state = 'waiting';
