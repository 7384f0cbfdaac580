-- +goose Up
-- On which sites the player of an event may stand, and who may come to it by where they come from.
-- (In a transaction, as SQLite cannot add a column where it is not there yet.)
ALTER TABLE event ADD COLUMN embed TEXT NOT NULL DEFAULT '{"where":"anywhere"}';
ALTER TABLE event ADD COLUMN filters TEXT NOT NULL DEFAULT '{}';
