-- name: step_secrets
SELECT secret FROM second_step UNION ALL SELECT hash FROM recovery_code
