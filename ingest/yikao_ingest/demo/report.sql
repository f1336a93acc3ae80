-- What the demo's report asks the database.

-- name: stored
SELECT d.address, r.device_time, r.kind FROM reading r JOIN device d USING (device_id)
WHERE judged(r.kind)
UNION ALL
SELECT d.address, c.arrived->>'device_time', c.kind
FROM reading_conflict c JOIN device d USING (device_id)
WHERE judged(c.kind)

-- name: quarantined
SELECT payload FROM quarantine

-- name: pages
-- By the message that it went in, which is what rings. One that is to go out later is not due yet.
SELECT coalesce(p.message_id, p.page_id), p.state, EXISTS (
    SELECT FROM page q WHERE q.episode_id = p.episode_id AND q.created_at > p.created_at
) FROM page p
WHERE NOT (p.state = 'due' AND p.message_id IS NULL AND p.due_at > %(now)s)

-- name: first_page_waits
-- From the reading that decided, as committed, to the provider's acceptance: for the first page
-- of each level. Where nobody replied to a request to repeat, from the end of that wait.
SELECT p.sent_at - coalesce(f.waited_until, f.received_at, f.found_at)
FROM page p
JOIN LATERAL (
    SELECT f.found_at, (f.evidence->>'waited_until')::timestamptz AS waited_until,
           (SELECT max((r->>'received_at')::timestamptz)
            FROM jsonb_array_elements(f.evidence->'readings') r) AS received_at
    FROM finding f
    WHERE f.episode_id = p.episode_id AND f.found_at <= p.created_at
    ORDER BY f.found_at DESC LIMIT 1
) f ON true
WHERE p.step = 0 AND p.loop = 0 AND p.contact_position = 0 AND p.sent_at IS NOT NULL

-- name: episodes
SELECT r.code, e.rule_id, e.state, e.opened_at,
       (SELECT min(sent_at) FROM page p WHERE p.episode_id = e.episode_id),
       e.answered_at, e.answered_by, e.closed_at
FROM episode e JOIN resident r USING (patient_id)
ORDER BY e.opened_at

-- name: events_after
SELECT v.event_id, v.at, v.event, v.to_state, r.name, r.code, e.rule_id, e.confirmed, e.episode_id,
       coalesce(d.name, v.actor)
FROM episode_event v
JOIN episode e USING (episode_id)
JOIN resident r USING (patient_id)
LEFT JOIN doctor d ON d.doctor_id = v.actor
WHERE v.event_id > %(after)s ORDER BY v.event_id
