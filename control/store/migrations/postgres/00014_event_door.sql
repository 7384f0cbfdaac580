-- +goose NO TRANSACTION
-- +goose Up
-- Of an event, the code of its direct link, and which tokens of its viewers count: those of this epoch and later ones.
ALTER TABLE event ADD COLUMN IF NOT EXISTS direct TEXT;
ALTER TABLE event ADD COLUMN IF NOT EXISTS viewer_epoch BIGINT NOT NULL DEFAULT 1;
