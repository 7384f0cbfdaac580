-- name: insert_guests
INSERT INTO guest (id, account_id, event_id, name, email, address, words, language, source, state, answers, pass_epoch, added_by,
  mail_id, created_at, invited_at)
SELECT r.value ->> 'id', @account, @event, r.value ->> 'name', r.value ->> 'email', r.value ->> 'address', r.value ->> 'words',
  r.value ->> 'language', @source, 'in', '{}', 0, @added_by, NULL, @at, NULL
FROM json_each(@rows) AS r WHERE true
ON CONFLICT (address, event_id) DO NOTHING

-- name: chosen_guests
SELECT g.id, g.account_id, g.event_id, g.name, g.email, g.address, g.language, g.source, g.state, g.answers, g.pass_epoch,
  g.created_at, g.invited_at, g.seen_at
FROM guest g
WHERE g.event_id = @event AND g.id IN (SELECT value FROM json_each(@guests)) AND g.state = 'in'
  AND NOT EXISTS (SELECT 1 FROM stopped s WHERE s.account_id = @account AND s.address = g.address AND s.topic = @topic)
ORDER BY g.id
