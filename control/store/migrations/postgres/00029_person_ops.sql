-- +goose NO TRANSACTION
-- +goose Up
-- Since when a person operates the installation; null: it does not.
ALTER TABLE person ADD COLUMN IF NOT EXISTS ops_since TIMESTAMPTZ;
