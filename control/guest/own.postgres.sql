-- name: insert_guests
INSERT INTO guest (id, account_id, event_id, name, email, address, words, language, source, state, answers, pass_epoch, added_by,
  mail_id, created_at, invited_at)
SELECT (r.v ->> 'id')::UUID, @account::UUID, @event::UUID, r.v ->> 'name', r.v ->> 'email', r.v ->> 'address', r.v ->> 'words',
  r.v ->> 'language', @source::TEXT, 'in', '{}', 0, @added_by::UUID, NULL, @at::TIMESTAMPTZ, NULL
FROM jsonb_array_elements(@rows::JSONB) AS r (v)
ON CONFLICT (address, event_id) DO NOTHING

-- name: chosen_guests
SELECT g.id, g.account_id, g.event_id, g.name, g.email, g.address, g.language, g.source, g.state, g.answers, g.pass_epoch,
  g.created_at, g.invited_at, g.seen_at
FROM guest g
WHERE g.event_id = @event AND g.id = ANY(@guests) AND g.state = 'in'
  AND NOT EXISTS (SELECT 1 FROM stopped s WHERE s.account_id = @account AND s.address = g.address AND s.topic = @topic)
ORDER BY g.id
