-- +goose Up
-- Of an event, the code of its direct link, and which tokens of its viewers count: those of this epoch and later ones.
-- (In a transaction, as SQLite cannot add a column where it is not there yet.)
ALTER TABLE event ADD COLUMN direct TEXT;
ALTER TABLE event ADD COLUMN viewer_epoch INTEGER NOT NULL DEFAULT 1;
