-- +goose NO TRANSACTION
-- +goose Up
-- Guests register in the order of their ids: without this, all of them in one range.
ALTER TABLE guest ALTER PRIMARY KEY USING COLUMNS (id) USING HASH;
