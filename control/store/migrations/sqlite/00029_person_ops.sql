-- +goose Up
-- Since when a person operates the installation; null: it does not.
ALTER TABLE person ADD COLUMN ops_since INTEGER;
