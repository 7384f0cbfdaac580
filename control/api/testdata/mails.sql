-- name: mails
SELECT message FROM mail WHERE recipient = @to ORDER BY created_at DESC, id DESC
