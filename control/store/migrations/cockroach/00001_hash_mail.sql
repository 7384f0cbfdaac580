-- +goose NO TRANSACTION
-- +goose Up
-- Mails are added in the order of their ids: without this, all of them in one range.
ALTER TABLE mail ALTER PRIMARY KEY USING COLUMNS (id) USING HASH;
