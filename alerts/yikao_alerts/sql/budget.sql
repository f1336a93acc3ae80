-- The doctors' budgets of what is for today.

-- name: yellow_is_due
SELECT 1 FROM page
WHERE state = 'due' AND NOT red AND due_at <= %(now)s AND message_id IS NULL
  AND doctor_id IS NOT NULL LIMIT 1

-- name: lock_budget
SELECT pg_try_advisory_xact_lock(%(lock)s)

-- name: yellows_due
-- What nobody has tried to send yet, and for how many others its doctor was called on this day of
-- the team's. What somebody holds, like an answer that cancels it, is not waited for.
SELECT p.page_id, p.doctor_id, e.level, e.opened_at, e.rule_id, f.evidence, told.count AS told
FROM page p
JOIN episode e USING (episode_id)
JOIN doctor d ON d.doctor_id = p.doctor_id
JOIN team t ON t.team_id = d.team_id
LEFT JOIN LATERAL (
    SELECT evidence FROM finding
    WHERE finding.episode_id = e.episode_id ORDER BY found_at DESC LIMIT 1
) f ON true
CROSS JOIN LATERAL (
    SELECT count(DISTINCT o.episode_id) FROM page o
    WHERE o.doctor_id = p.doctor_id AND NOT o.red AND o.message_id IS NOT NULL
      AND o.created_at > %(now)s - interval '2 days'
      AND (o.message_at AT TIME ZONE t.zone)::date = (%(now)s AT TIME ZONE t.zone)::date
) told
WHERE p.state = 'due' AND NOT p.red AND p.due_at <= %(now)s AND p.message_id IS NULL
  AND e.severity = 'today'
FOR UPDATE OF p SKIP LOCKED

-- name: defer_pages
-- The page is not sent; its resident stands in the worklist until a person has looked.
WITH left_out AS (
    UPDATE page SET state = 'cancelled', deferred = true
    WHERE page_id = ANY(%(pages)s) AND state = 'due'
    RETURNING episode_id, doctor_id
)
INSERT INTO worklist_entry (patient_id, rule_id, severity, opened_day, opened_at, evidence)
SELECT DISTINCT ON (e.patient_id, e.rule_id) e.patient_id, e.rule_id, e.severity,
    (%(now)s AT TIME ZONE t.zone)::date, %(now)s,
    jsonb_build_object('what', 'deferred', 'episode_id', e.episode_id)
FROM left_out l
JOIN episode e USING (episode_id)
JOIN patient r USING (patient_id)
JOIN team t ON t.team_id = r.team_id
ON CONFLICT (patient_id, rule_id) WHERE closed_at IS NULL DO NOTHING
