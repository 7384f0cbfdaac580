-- name: person_texts
SELECT coalesce(email, '') || ' ' || name || ' ' || coalesce(password, '') || ' ' || country || ' ' || signature FROM person
UNION ALL SELECT agent || ' ' || address FROM login
UNION ALL SELECT name || ' ' || CAST(credential AS TEXT) FROM passkey
UNION ALL SELECT CAST(person_id AS TEXT) || ' bob' FROM second_step
UNION ALL SELECT CAST(person_id AS TEXT) || ' bob' FROM recovery_code
UNION ALL SELECT CAST(person_id AS TEXT) || ' bob' FROM half_login
UNION ALL SELECT CAST(session AS TEXT) FROM challenge
UNION ALL SELECT CAST(data AS TEXT) FROM link
UNION ALL SELECT recipient || ' ' || CAST(message AS TEXT) || ' ' || answer FROM mail
UNION ALL SELECT coalesce(answer, '') FROM kept_answer
UNION ALL SELECT body || ' ' || answer FROM delivery
UNION ALL SELECT name || ' ' || email FROM entry
UNION ALL SELECT network || ' ' || action || ' ' || subject || ' ' || detail FROM audit

-- name: entries_by
SELECT count(*) FROM audit WHERE actor_id = @person
