-- +goose NO TRANSACTION
-- +goose Up
-- Deliveries are added in the order of their ids: without this, all of them in one range.
ALTER TABLE delivery ALTER PRIMARY KEY USING COLUMNS (id) USING HASH;
