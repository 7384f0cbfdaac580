-- +goose NO TRANSACTION
-- +goose Up
-- On which sites the player of an event may stand, and who may come to it by where they come from.
ALTER TABLE event ADD COLUMN IF NOT EXISTS embed JSONB NOT NULL DEFAULT '{"where":"anywhere"}';
ALTER TABLE event ADD COLUMN IF NOT EXISTS filters JSONB NOT NULL DEFAULT '{}';
