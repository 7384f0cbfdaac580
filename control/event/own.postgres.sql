-- name: events_by_slugs
SELECT id, account_id, slug, number, kind, title, description, languages, starts_at, ends_at, time_zone, state, access,
  password, agenda, lobby, options, embed, filters, direct, viewer_epoch, form, cap, approval, made_by, version, created_at,
  cancelled_at, held_at, ended_at,
  CASE WHEN cap IS NULL THEN 0 ELSE (SELECT count(*) FROM guest g WHERE g.event_id = event.id AND g.state = 'in') END AS taken,
  (SELECT b.look FROM brand b WHERE b.id = event.id) AS look,
  (SELECT b.look FROM brand b WHERE b.id = event.account_id) AS account_look,
  (SELECT a.name FROM account a WHERE a.id = event.account_id) AS account_name
FROM event WHERE slug = ANY(@slugs)
