-- +goose Up
-- What an event asks of those who register, how many have a place, whether somebody looks at each, and who has made it.
ALTER TABLE event ADD COLUMN form TEXT NOT NULL DEFAULT '[]';
ALTER TABLE event ADD COLUMN cap INTEGER;
ALTER TABLE event ADD COLUMN approval INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN made_by TEXT;
CREATE INDEX IF NOT EXISTS event_to_come ON event (starts_at) WHERE state IN ('scheduled', 'preparation');
