-- name: insert_hook
INSERT INTO hook (id, account_id, url, kinds, epoch, version, made_at, next_at)
VALUES (@id, @account, @url, @kinds, 1, 1, @at, @at)

-- name: hooks_of_account
SELECT id, account_id, url, kinds, epoch, version, made_at, off_at, failing_since, next_at
FROM hook WHERE account_id = @account ORDER BY made_at, id

-- name: hook_by_id
SELECT id, account_id, url, kinds, epoch, version, made_at, off_at, failing_since, next_at
FROM hook WHERE account_id = @account AND id = @id

-- name: update_hook
UPDATE hook SET url = @url, kinds = @kinds, off_at = @off_at, failing_since = @failing_since, next_at = @next_at,
  version = version + 1
WHERE account_id = @account AND id = @id AND version = @version

-- name: renew_hook
UPDATE hook SET epoch = @epoch, version = version + 1 WHERE account_id = @account AND id = @id AND version = @version

-- name: delete_hook
DELETE FROM hook WHERE account_id = @account AND id = @id

-- name: insert_delivery
INSERT INTO delivery (id, hook_id, kind, body, state, attempts, answer, created_at)
VALUES (@id, @hook, @kind, @body, 'waiting', 0, '', @at)

-- name: deliveries_before
SELECT id, kind, state, attempts, status, answer, created_at, settled_at
FROM delivery WHERE hook_id = @hook AND id < @before ORDER BY id DESC LIMIT @n

-- name: due_hooks
SELECT h.id, h.account_id, h.url, h.kinds, h.epoch, h.version, h.made_at, h.off_at, h.failing_since, h.next_at
FROM hook h
WHERE h.off_at IS NULL AND h.next_at <= @now
  AND EXISTS (SELECT 1 FROM delivery d WHERE d.hook_id = h.id AND d.state = 'waiting')
ORDER BY h.next_at, h.id LIMIT @n

-- name: claim_hook
UPDATE hook SET next_at = @until WHERE id = @id AND next_at <= @now AND off_at IS NULL

-- name: free_hook
UPDATE hook SET next_at = @now WHERE id = @id AND next_at = @until

-- name: next_delivery
SELECT d.id, d.kind, d.body, d.attempts FROM delivery d JOIN hook h ON h.id = d.hook_id
WHERE d.hook_id = @hook AND d.state = 'waiting' AND h.version = @version ORDER BY d.id LIMIT 1

-- name: settle_delivery
UPDATE delivery SET state = @state, body = @body, attempts = @attempts, status = @status, answer = @answer, settled_at = @settled_at
WHERE id = @id AND state = 'waiting'

-- name: hook_works
UPDATE hook SET failing_since = NULL WHERE id = @id AND version = @version AND failing_since IS NOT NULL

-- name: hook_fails
UPDATE hook SET next_at = @next_at, failing_since = @since WHERE id = @id AND version = @version

-- name: switch_off
UPDATE hook SET off_at = @now, version = version + 1 WHERE id = @id AND version = @version AND off_at IS NULL

-- name: fail_waiting
UPDATE delivery SET state = 'failed', body = '', answer = @answer, settled_at = @now WHERE hook_id = @hook AND state = 'waiting'

-- name: sweep_deliveries
DELETE FROM delivery WHERE state <> 'waiting' AND created_at < @before
