-- name: insert_guest
INSERT INTO guest (id, account_id, event_id, name, email, address, words, language, source, state, answers, pass_epoch, added_by,
  mail_id, created_at, invited_at)
VALUES (@id, @account, @event, @name, @email, @address, @words, @language, @source, @state, @answers, 0, @added_by,
  @mail, @at, NULL)
ON CONFLICT (address, event_id) DO NOTHING

-- name: signature_of
SELECT signature FROM person WHERE id = @person

-- name: guest_by_id
SELECT id, account_id, event_id, name, email, address, language, source, state, answers, pass_epoch, created_at, invited_at, seen_at
FROM guest WHERE id = @id

-- name: guest_by_address
SELECT id, account_id, event_id, name, email, address, language, source, state, answers, pass_epoch, created_at, invited_at, seen_at
FROM guest WHERE address = @address AND event_id = @event

-- name: guests_before
SELECT g.id, g.account_id, g.event_id, g.name, g.email, g.address, g.language, g.source, g.state, g.answers, g.pass_epoch,
  g.created_at, g.invited_at, g.seen_at, m.state AS mail_state, m.answer AS mail_answer
FROM guest g LEFT JOIN mail m ON m.id = g.mail_id
WHERE g.account_id = @account AND g.event_id = @event AND g.id < @before AND (@source = '' OR g.source = @source)
  AND (@state = '' OR g.state = @state) AND g.words LIKE @words
ORDER BY g.id DESC LIMIT @n

-- name: count_guests
SELECT count(*) FROM guest
WHERE account_id = @account AND event_id = @event AND (@source = '' OR source = @source) AND (@state = '' OR state = @state)
  AND words LIKE @words

-- name: delete_guest
DELETE FROM guest WHERE account_id = @account AND event_id = @event AND id = @id

-- name: delete_guests
DELETE FROM guest WHERE account_id = @account AND event_id = @event

-- name: set_guest_state
UPDATE guest SET state = @state, pass_epoch = @epoch WHERE id = @id

-- name: guest_mailed
UPDATE guest SET mail_id = @mail, invited_at = COALESCE(@invited_at, invited_at) WHERE id = @id

-- name: guest_seen
UPDATE guest SET seen_at = @at WHERE id = @id AND (seen_at IS NULL OR seen_at < @at)

-- name: next_waiting
SELECT id FROM guest WHERE event_id = @event AND state = 'waiting' ORDER BY id LIMIT @n

-- name: let_in
UPDATE guest SET state = 'in'
WHERE id IN (SELECT w.id FROM guest w WHERE w.event_id = @event AND w.state = 'waiting' ORDER BY w.id LIMIT @n)

-- name: insert_mailing
INSERT INTO mailing (id, account_id, event_id, kind, guests, fresh, came_before, last_id, created_at, done_at)
VALUES (@id, @account, @event, @kind, @guests, @fresh, @came_before, @last, @at, NULL)

-- name: open_mailing
SELECT id, account_id, event_id, kind, guests, fresh, came_before, last_id FROM mailing
WHERE done_at IS NULL ORDER BY created_at LIMIT 1

-- name: mailing_by_id
SELECT id, account_id, event_id, kind, guests, fresh, came_before, last_id FROM mailing WHERE id = @id AND done_at IS NULL

-- name: mailing_on
UPDATE mailing SET last_id = @last, done_at = @done_at WHERE id = @id

-- name: mailing_next
SELECT g.id, g.account_id, g.event_id, g.name, g.email, g.address, g.language, g.source, g.state, g.answers, g.pass_epoch,
  g.created_at, g.invited_at, g.seen_at
FROM guest g
WHERE g.event_id = @event AND g.id > @last AND g.created_at <= @came_before AND (g.state = 'in' OR (@waiting AND g.state = 'waiting'))
  AND (NOT @fresh OR (g.invited_at IS NULL AND g.source <> 'registered'))
  AND (NOT @told OR g.invited_at IS NOT NULL OR g.source = 'registered')
  AND NOT EXISTS (SELECT 1 FROM stopped s WHERE s.account_id = @account AND s.address = g.address AND s.topic = @topic)
ORDER BY g.id LIMIT @n

-- name: mailing_count
SELECT count(*) FROM guest g
WHERE g.event_id = @event AND g.created_at <= @came_before AND (g.state = 'in' OR (@waiting AND g.state = 'waiting'))
  AND (NOT @fresh OR (g.invited_at IS NULL AND g.source <> 'registered'))
  AND (NOT @told OR g.invited_at IS NOT NULL OR g.source = 'registered')
  AND NOT EXISTS (SELECT 1 FROM stopped s WHERE s.account_id = @account AND s.address = g.address AND s.topic = @topic)

-- name: mails_due
SELECT count(*) FROM (SELECT 1 AS one FROM mail WHERE next_at IS NOT NULL AND next_at <= @now LIMIT @n) AS due

-- name: reminders_due
SELECT e.id, e.account_id, e.starts_at FROM event e
WHERE e.state IN ('scheduled', 'preparation') AND e.starts_at > @after AND e.starts_at <= @until AND e.kind <> 'permanent'
  AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.event_id = e.id AND r.kind = @kind AND r.starts_at = e.starts_at)
ORDER BY e.starts_at, e.id LIMIT @n

-- name: insert_reminder
INSERT INTO reminder (event_id, kind, starts_at, mailing_id) VALUES (@event, @kind, @starts_at, @mailing)
ON CONFLICT (event_id, kind, starts_at) DO NOTHING

-- name: reminder_of_mailing
SELECT starts_at FROM reminder WHERE event_id = @event AND mailing_id = @mailing

-- name: stop_mails
INSERT INTO stopped (account_id, address, topic, at) VALUES (@account, @address, @topic, @at)
ON CONFLICT (account_id, address, topic) DO NOTHING

-- name: is_stopped
SELECT count(*) FROM stopped WHERE account_id = @account AND address = @address AND topic = @topic

-- name: stopped_by
SELECT account_id, topic, at FROM stopped WHERE address = @address ORDER BY at, account_id, topic

-- name: forget_stopped
DELETE FROM stopped WHERE address = @address

-- name: guests_of_address
SELECT g.id, g.event_id, g.account_id, e.title, g.name, g.email, g.language, g.source, g.state, g.answers, g.created_at, g.invited_at, g.seen_at
FROM guest g JOIN event e ON e.id = g.event_id
WHERE g.address = @address ORDER BY g.id

-- name: erase_guest
UPDATE guest SET name = '', email = '', address = NULL, words = '', answers = '{}', state = 'erased', pass_epoch = pass_epoch + 1,
  mail_id = NULL
WHERE id = @id

-- name: guest_log
SELECT a.number, a.at, a.actor, a.actor_id, a.action, a.detail, COALESCE(p.name, k.name, '') AS name
FROM audit a LEFT JOIN person p ON p.id = a.actor_id LEFT JOIN api_key k ON k.id = a.actor_id
WHERE a.account_id = @account AND a.subject = @subject AND a.number < @before
  AND a.action IN ('add-guests', 'import-guests', 'invite-guests', 'accept-guest', 'refuse-guest', 'remove-guest', 'remove-guests',
    'erase-guest')
ORDER BY a.number DESC LIMIT @n

-- name: guests_added_at
SELECT id, name, email FROM guest
WHERE event_id = @event AND added_by = @by AND created_at = @at ORDER BY id LIMIT @n
