-- +goose NO TRANSACTION
-- +goose Up
-- What mails about an event do not show.
ALTER TABLE event ADD COLUMN IF NOT EXISTS mail_hidden JSONB NOT NULL DEFAULT '[]';
