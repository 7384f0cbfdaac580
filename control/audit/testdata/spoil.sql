-- name: change_detail
UPDATE audit SET detail = 'other' WHERE account_id = @account AND number = 3

-- name: change_actor
UPDATE audit SET actor_id = NULL WHERE account_id = @account AND number = 3

-- name: take_out
DELETE FROM audit WHERE account_id = @account AND number = 3

-- name: take_first
DELETE FROM audit WHERE account_id = @account AND number = 1
