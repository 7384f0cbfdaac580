-- +goose NO TRANSACTION
-- +goose Up
-- Nor those of one event, which registers 10,000 at once. Queries name no index, so they take these.
CREATE INDEX IF NOT EXISTS guest_by_event_hashed ON guest (event_id, id) USING HASH;
CREATE INDEX IF NOT EXISTS guest_by_state_hashed ON guest (event_id, state, id) USING HASH;
DROP INDEX IF EXISTS guest@guest_by_event;
DROP INDEX IF EXISTS guest@guest_by_state;
