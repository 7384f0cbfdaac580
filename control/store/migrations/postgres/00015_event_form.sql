-- +goose NO TRANSACTION
-- +goose Up
-- What an event asks of those who register, how many have a place, whether somebody looks at each, and who has made it.
ALTER TABLE event ADD COLUMN IF NOT EXISTS form JSONB NOT NULL DEFAULT '[]';
ALTER TABLE event ADD COLUMN IF NOT EXISTS cap INT8;
ALTER TABLE event ADD COLUMN IF NOT EXISTS approval BOOL NOT NULL DEFAULT false;
ALTER TABLE event ADD COLUMN IF NOT EXISTS made_by UUID;
CREATE INDEX IF NOT EXISTS event_to_come ON event (starts_at) WHERE state IN ('scheduled', 'preparation');
