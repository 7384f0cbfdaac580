-- name: insert_entry
INSERT INTO entry (id, account_id, event_id, guest_id, name, email, language, way, network, began_at, seen_at)
VALUES (@id, @account, @event, @guest, @name, @email, @language, @way, @network, @began_at, @seen_at)
ON CONFLICT DO NOTHING

-- name: entry_by_id
SELECT id, account_id, event_id, guest_id, name, email, language, way, network, began_at, seen_at
FROM entry WHERE id = @id

-- name: event_there
SELECT count(*) FROM event WHERE id = @event

-- name: seen_entry
UPDATE entry SET seen_at = @at WHERE id = @id AND seen_at < @at

-- name: places_of_guest
SELECT count(*) FROM entry e
WHERE e.guest_id = @guest AND e.seen_at > @since AND NOT EXISTS (SELECT 1 FROM revoked_session r WHERE r.id = e.id)

-- name: sessions_of_guest
SELECT id FROM entry WHERE guest_id = @guest AND seen_at > @since

-- name: sessions_of_guests
SELECT id FROM entry WHERE event_id = @event AND guest_id IS NOT NULL AND seen_at > @since

-- name: count_present
SELECT count(*) FROM entry e
WHERE e.account_id = @account AND e.event_id = @event AND e.seen_at > @since
  AND NOT EXISTS (SELECT 1 FROM revoked_session r WHERE r.id = e.id)

-- name: present_before
SELECT e.id, e.guest_id, e.name, e.email, e.language, e.way, e.began_at, e.seen_at FROM entry e
WHERE e.account_id = @account AND e.event_id = @event AND e.seen_at > @since AND e.id < @before
  AND NOT EXISTS (SELECT 1 FROM revoked_session r WHERE r.id = e.id)
ORDER BY e.id DESC LIMIT @n

-- name: entries_of_email
SELECT id, account_id, event_id, guest_id, name, email, language, way, network, began_at, seen_at
FROM entry WHERE email = @email ORDER BY began_at, id

-- name: forget_email
UPDATE entry SET name = '', email = '' WHERE email = @email

-- name: revoke_session
INSERT INTO revoked_session (id, until) VALUES (@id, @until) ON CONFLICT (id) DO NOTHING

-- name: revoked_sessions
SELECT id, until FROM revoked_session WHERE until > @now ORDER BY until DESC LIMIT @n

-- name: sweep_revoked
DELETE FROM revoked_session WHERE until < @now
