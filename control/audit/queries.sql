-- name: last_entry
SELECT account_id, number, at, actor, actor_id, network, action, subject, detail, hash
FROM audit WHERE account_id = @account ORDER BY number DESC LIMIT 1

-- name: add_entry
INSERT INTO audit (account_id, number, at, actor, actor_id, network, action, subject, detail, hash)
VALUES (@account, @number, @at, @actor, @actor_id, @network, @action, @subject, @detail, @hash)

-- name: entries_before
SELECT account_id, number, at, actor, actor_id, network, action, subject, detail, hash
FROM audit WHERE account_id = @account AND number < @before ORDER BY number DESC LIMIT @n

-- name: entries_from
SELECT account_id, number, at, actor, actor_id, network, action, subject, detail, hash
FROM audit WHERE account_id = @account AND number >= @from ORDER BY number LIMIT @n

-- name: audited_accounts
SELECT DISTINCT account_id FROM audit ORDER BY account_id

-- name: entries_of_person
SELECT account_id, number, at, actor, actor_id, network, action, subject, detail, hash
FROM audit WHERE actor = 'person' AND actor_id = @person ORDER BY account_id, number
