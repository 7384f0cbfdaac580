-- name: insert_mail
INSERT INTO mail (id, account_id, event_id, kind, recipient, message, state, attempts, next_at, answer, created_at)
VALUES (@id, @account, @event, @kind, @to, @message, @state, 0, @at, '', @at)

-- name: due_mails
SELECT id, recipient, message, attempts, next_at FROM mail
WHERE next_at IS NOT NULL AND next_at <= @now ORDER BY next_at, id LIMIT @n

-- name: claim_mail
UPDATE mail SET next_at = @until, attempts = attempts + 1 WHERE id = @id

-- name: settle_mail
UPDATE mail SET state = @state, answer = @answer, next_at = @next_at, sent_at = @sent_at WHERE id = @id

-- name: newest_mails
SELECT id, recipient, created_at, message FROM mail ORDER BY created_at DESC, id DESC LIMIT @n

-- name: mail_by_id
SELECT id, recipient, created_at, message FROM mail WHERE id = @id

-- name: mails_to
SELECT id, kind, recipient, message, state, created_at, sent_at FROM mail WHERE recipient = @to ORDER BY created_at, id

-- name: delete_mails_to
DELETE FROM mail WHERE recipient = @to

-- name: envelope
SELECT account_id, kind, recipient FROM mail WHERE id = @id AND account_id IS NOT NULL
