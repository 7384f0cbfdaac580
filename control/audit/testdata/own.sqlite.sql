-- name: change_moment
UPDATE audit SET at = at + 1 WHERE account_id = @account AND number = 3
