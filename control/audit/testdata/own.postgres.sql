-- name: change_moment
UPDATE audit SET at = at + INTERVAL '1 microsecond' WHERE account_id = @account AND number = 3
