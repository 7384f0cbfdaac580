-- name: insert_quote
INSERT INTO quote (id, account_id, organization, name, email, phone, language, pages, title, starts_at, time_zone, minutes,
  viewers, languages, options, remarks, state, reason, asked_at)
VALUES (@id, @account, @organization, @name, @email, @phone, @language, @pages, @title, @starts_at, @time_zone, @minutes,
  @viewers, @languages, @options, @remarks, 'asked', '', @at)

-- name: quote_by_id
SELECT id, account_id, event_id, organization, name, email, phone, language, pages, title, starts_at, time_zone, minutes,
  viewers, languages, options, remarks, state, reason, asked_at, decided_at
FROM quote WHERE id = @id

-- name: quote_of_event
SELECT id, account_id, event_id, organization, name, email, phone, language, pages, title, starts_at, time_zone, minutes,
  viewers, languages, options, remarks, state, reason, asked_at, decided_at
FROM quote WHERE event_id = @event

-- name: newest_quotes
SELECT id, account_id, event_id, organization, name, email, phone, language, pages, title, starts_at, time_zone, minutes,
  viewers, languages, options, remarks, state, reason, asked_at, decided_at
FROM quote ORDER BY asked_at DESC, id DESC LIMIT @n

-- name: quotes_of_email
SELECT id, account_id, event_id, organization, name, email, phone, language, pages, title, starts_at, time_zone, minutes,
  viewers, languages, options, remarks, state, reason, asked_at, decided_at
FROM quote WHERE email = @email ORDER BY asked_at, id

-- name: decide_quote
UPDATE quote SET state = @state, reason = @reason, account_id = @account, event_id = @event, decided_at = @at
WHERE id = @id AND state = 'asked'

-- name: delete_quotes_of_email
DELETE FROM quote WHERE email = @email AND state <> 'accepted'

-- name: blank_quotes_of_email
UPDATE quote SET name = '', email = '', phone = '', remarks = '' WHERE email = @email

-- name: sweep_quotes
DELETE FROM quote WHERE state <> 'accepted' AND starts_at < @before
