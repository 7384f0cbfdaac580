-- name: insert_event
INSERT INTO event (id, account_id, slug, number, kind, title, words, description, languages, starts_at, ends_at, time_zone,
  state, access, password, agenda, lobby, mail_hidden, options, embed, filters, form, cap, approval, made_by, version,
  created_at)
VALUES (@id, @account, @slug, @number, @kind, @title, @words, @description, @languages, @starts_at, @ends_at, @time_zone,
  @state, @access, @password, @agenda, @lobby, @mail_hidden, @options, @embed, @filters, @form, @cap, @approval, @made_by, 1, @created_at)
ON CONFLICT DO NOTHING

-- name: event_by_id
SELECT id, account_id, slug, number, kind, title, description, languages, starts_at, ends_at, time_zone, state, access,
  password, agenda, lobby, mail_hidden, options, embed, filters, direct, viewer_epoch, form, cap, approval, made_by, version,
  created_at, cancelled_at, held_at, ended_at,
  CASE WHEN cap IS NULL THEN 0 ELSE (SELECT count(*) FROM guest g WHERE g.event_id = event.id AND g.state = 'in') END AS taken,
  (SELECT b.look FROM brand b WHERE b.id = event.id) AS look,
  (SELECT b.look FROM brand b WHERE b.id = event.account_id) AS account_look,
  (SELECT a.name FROM account a WHERE a.id = event.account_id) AS account_name
FROM event WHERE account_id = @account AND id = @id

-- name: event_by_slug
SELECT id, account_id, slug, number, kind, title, description, languages, starts_at, ends_at, time_zone, state, access,
  password, agenda, lobby, mail_hidden, options, embed, filters, direct, viewer_epoch, form, cap, approval, made_by, version,
  created_at, cancelled_at, held_at, ended_at,
  CASE WHEN cap IS NULL THEN 0 ELSE (SELECT count(*) FROM guest g WHERE g.event_id = event.id AND g.state = 'in') END AS taken,
  (SELECT b.look FROM brand b WHERE b.id = event.id) AS look,
  (SELECT b.look FROM brand b WHERE b.id = event.account_id) AS account_look,
  (SELECT a.name FROM account a WHERE a.id = event.account_id) AS account_name
FROM event WHERE slug = @slug

-- name: event_by_number
SELECT id, account_id, slug, number, kind, title, description, languages, starts_at, ends_at, time_zone, state, access,
  password, agenda, lobby, mail_hidden, options, embed, filters, direct, viewer_epoch, form, cap, approval, made_by, version,
  created_at, cancelled_at, held_at, ended_at,
  CASE WHEN cap IS NULL THEN 0 ELSE (SELECT count(*) FROM guest g WHERE g.event_id = event.id AND g.state = 'in') END AS taken,
  (SELECT b.look FROM brand b WHERE b.id = event.id) AS look,
  (SELECT b.look FROM brand b WHERE b.id = event.account_id) AS account_look,
  (SELECT a.name FROM account a WHERE a.id = event.account_id) AS account_name
FROM event WHERE number = @number

-- name: embed_of_slug
SELECT embed FROM event WHERE slug = @slug

-- name: events_forward
SELECT e.id, e.slug, e.number, e.kind, e.title, e.languages, e.starts_at, e.ends_at, e.time_zone, e.state, e.access,
  e.version, e.created_at, e.cancelled_at, e.held_at, e.ended_at,
  COALESCE((SELECT m.role FROM event_member m WHERE m.event_id = e.id AND m.person_id = @person), '') AS role
FROM event e
WHERE e.account_id = @account AND e.starts_at >= @from AND e.starts_at < @to AND (e.starts_at, e.id) > (@at, @id)
  AND (@state = '' OR e.state = @state) AND e.words LIKE @words
  AND (@all OR EXISTS (SELECT 1 FROM event_member m WHERE m.event_id = e.id AND m.person_id = @person))
ORDER BY e.starts_at, e.id LIMIT @n

-- name: events_backward
SELECT e.id, e.slug, e.number, e.kind, e.title, e.languages, e.starts_at, e.ends_at, e.time_zone, e.state, e.access,
  e.version, e.created_at, e.cancelled_at, e.held_at, e.ended_at,
  COALESCE((SELECT m.role FROM event_member m WHERE m.event_id = e.id AND m.person_id = @person), '') AS role
FROM event e
WHERE e.account_id = @account AND e.starts_at >= @from AND e.starts_at < @to AND (e.starts_at, e.id) < (@at, @id)
  AND (@state = '' OR e.state = @state) AND e.words LIKE @words
  AND (@all OR EXISTS (SELECT 1 FROM event_member m WHERE m.event_id = e.id AND m.person_id = @person))
ORDER BY e.starts_at DESC, e.id DESC LIMIT @n

-- name: update_event
UPDATE event SET kind = @kind, title = @title, words = @words, description = @description, languages = @languages,
  starts_at = @starts_at, ends_at = @ends_at, time_zone = @time_zone, access = @access, password = @password,
  agenda = @agenda, lobby = @lobby, mail_hidden = @mail_hidden, embed = @embed, filters = @filters, form = @form, cap = @cap, approval = @approval,
  viewer_epoch = @viewer_epoch,
  version = version + 1
WHERE account_id = @account AND id = @id AND version = @version

-- name: set_state
UPDATE event SET state = @state, cancelled_at = @cancelled_at, held_at = @held_at, ended_at = @ended_at, version = version + 1
WHERE account_id = @account AND id = @id AND version = @version

-- name: set_direct
UPDATE event SET direct = @direct, version = version + 1
WHERE account_id = @account AND id = @id AND version = @version

-- name: delete_event
DELETE FROM event WHERE account_id = @account AND id = @id

-- name: unheld_events
SELECT id, account_id FROM event
WHERE held_at IS NULL AND kind <> 'permanent' AND (ends_at IS NULL AND starts_at < @start OR ends_at < @end)
ORDER BY starts_at, id LIMIT @n

-- name: role_in_event
SELECT COALESCE((SELECT m.role FROM event_member m WHERE m.event_id = e.id AND m.person_id = @person), '') AS role
FROM event e WHERE e.account_id = @account AND e.id = @id

-- name: insert_stream
INSERT INTO stream (id, account_id, event_id, name, language, key_hash, keyed_at, created_at)
VALUES (@id, @account, @event, @name, @language, @key_hash, @keyed_at, @created_at)
ON CONFLICT DO NOTHING

-- name: streams_of_event
SELECT id, account_id, event_id, name, language, keyed_at, created_at
FROM stream WHERE account_id = @account AND event_id = @event AND closed_at IS NULL ORDER BY created_at, id

-- name: count_streams
SELECT count(*) FROM stream WHERE account_id = @account AND event_id = @event

-- name: update_stream
UPDATE stream SET name = @name, language = @language
WHERE account_id = @account AND event_id = @event AND id = @id AND closed_at IS NULL

-- name: key_stream
UPDATE stream SET key_hash = @key_hash, keyed_at = @at
WHERE account_id = @account AND event_id = @event AND id = @id AND closed_at IS NULL

-- name: close_stream
UPDATE stream SET closed_at = @at, key_hash = NULL
WHERE account_id = @account AND event_id = @event AND id = @id AND closed_at IS NULL

-- name: streams_on
SELECT s.id, s.language, s.key_hash, e.id AS event_id, e.account_id, e.slug, e.state, e.access, e.password, e.direct, e.viewer_epoch,
  e.embed, e.filters
FROM event e JOIN stream s ON s.event_id = e.id
WHERE e.state IN ('preparation', 'live') AND s.closed_at IS NULL AND s.key_hash IS NOT NULL
ORDER BY e.slug, s.created_at, s.id

-- name: insert_user
INSERT INTO event_member (account_id, event_id, person_id, role, added_at)
VALUES (@account, @event, @person, @role, @at)
ON CONFLICT (event_id, person_id) DO NOTHING

-- name: users_of_event
SELECT u.person_id, u.role, u.added_at, m.joined_at, p.email, p.name
FROM event_member u
JOIN member m ON m.account_id = u.account_id AND m.person_id = u.person_id
JOIN person p ON p.id = u.person_id
WHERE u.account_id = @account AND u.event_id = @event
ORDER BY p.email, u.person_id

-- name: set_user_role
UPDATE event_member SET role = @role WHERE account_id = @account AND event_id = @event AND person_id = @person

-- name: delete_user
DELETE FROM event_member WHERE account_id = @account AND event_id = @event AND person_id = @person

-- name: roles_of_person
SELECT u.event_id, e.title, u.role, u.added_at
FROM event_member u JOIN event e ON e.id = u.event_id
WHERE u.person_id = @person
ORDER BY u.added_at, u.event_id
