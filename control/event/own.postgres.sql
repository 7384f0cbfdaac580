-- name: events_by_slugs
SELECT id, account_id, slug, number, kind, title, description, languages, starts_at, ends_at, time_zone, state, access,
  password, agenda, lobby, options, version, created_at, cancelled_at, held_at, ended_at
FROM event WHERE slug = ANY(@slugs)
