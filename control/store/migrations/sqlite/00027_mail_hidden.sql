-- +goose Up
-- What mails about an event do not show.
ALTER TABLE event ADD COLUMN mail_hidden TEXT NOT NULL DEFAULT '[]';
