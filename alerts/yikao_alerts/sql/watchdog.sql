-- What the watchers ask: the figures of the pager, and what was asked of each doctor.

-- name: last_attempt
SELECT coalesce(max(attempt_id), 0) FROM page_attempt

-- name: attempts_after
-- Each attempt once. Of the first page that a reading asked for, also how long after that reading's
-- commit a provider took it. Never of a resident who does not exist.
SELECT a.attempt_id, p.channel, a.outcome,
    extract(epoch FROM a.at - asked.received_at)::float8 AS took_s
FROM page_attempt a
JOIN page p USING (page_id)
LEFT JOIN episode e USING (episode_id)
LEFT JOIN resident r USING (patient_id)
LEFT JOIN LATERAL (
    SELECT max(g.received_at) AS received_at FROM reading g
    WHERE g.patient_id = e.patient_id AND judged(g.kind)
      AND g.time > p.created_at - %(evidence_within)s::interval
      AND g.received_at <= p.created_at
) asked ON a.outcome = 'delivered' AND e.severity = 'page_now' AND p.step = 0 AND p.loop = 0
    AND EXISTS (
        SELECT FROM finding f
        WHERE f.episode_id = e.episode_id AND f.found_at = p.created_at
          -- Not one that a silence became: nothing was committed then.
          AND f.evidence ->> 'waited_until' IS NULL
    )
WHERE a.attempt_id > %(after)s AND a.at <= %(settled)s AND r.synthetic IS NOT true
ORDER BY a.attempt_id LIMIT %(limit)s

-- name: episodes_by_state
SELECT e.state, count(*) FROM episode e JOIN patient r USING (patient_id)
WHERE e.state IN ('suspected', 'open', 'answered', 'watching') GROUP BY e.state

-- name: pages_by_state
-- Of the last day; what is due or held, however old.
SELECT p.channel, p.state, count(*) FROM page p
LEFT JOIN episode e USING (episode_id) LEFT JOIN resident r USING (patient_id)
WHERE (p.created_at > %(since)s OR p.state IN ('due', 'held')) AND r.synthetic IS NOT true
GROUP BY p.channel, p.state

-- name: oldest_due
SELECT coalesce(extract(epoch FROM %(now)s - min(due_at))::float8, 0) FROM page
WHERE state = 'due' AND due_at <= %(now)s

-- name: asked_of_doctors
-- By doctor and week of the team's zone: episodes that called, by severity; pages that went out,
-- with their repetitions, and those of the night (22 to 7); yellow ones left to the worklist.
SELECT date_trunc('week', p.created_at AT TIME ZONE t.zone)::date AS week,
    d.team_id, d.doctor_id, d.name AS doctor_name,
    count(DISTINCT p.episode_id) FILTER (WHERE p.sent_at IS NOT NULL AND p.red) AS red,
    count(DISTINCT p.episode_id) FILTER (WHERE p.sent_at IS NOT NULL AND NOT p.red) AS yellow,
    count(p.sent_at) AS pages,
    count(p.sent_at) FILTER (
        WHERE extract(hour FROM p.sent_at AT TIME ZONE t.zone) NOT BETWEEN 7 AND 21
    ) AS night,
    count(DISTINCT p.episode_id) FILTER (WHERE p.deferred) AS deferred
FROM page p
JOIN episode e USING (episode_id)
JOIN patient r USING (patient_id)
JOIN doctor d ON d.doctor_id = p.doctor_id
JOIN team t ON t.team_id = d.team_id
WHERE p.created_at >= %(since)s AND p.created_at <= %(now)s
  AND (p.sent_at IS NOT NULL OR p.deferred)
  AND (%(team)s::text IS NULL OR d.team_id = %(team)s)
GROUP BY week, d.team_id, d.doctor_id, d.name
ORDER BY week DESC, d.team_id, d.name, d.doctor_id

-- name: link_of_short
SELECT link FROM page WHERE short = %(short)s

-- name: synthetic_to_close
-- Episodes of who does not exist whose page has gone out. Who still waits for it goes on waiting.
SELECT e.episode_id, r.doctor_id FROM episode e JOIN resident r USING (patient_id)
WHERE r.synthetic AND r.code = %(code)s AND e.state IN ('open', 'answered', 'watching')
  AND NOT EXISTS (SELECT FROM page p WHERE p.episode_id = e.episode_id AND p.state = 'due')
ORDER BY e.episode_id

-- name: synthetic_trace
-- How far the readings since %(since)s came: stored, decided, made into pages, handed over.
SELECT
    EXISTS (SELECT FROM reading g
            WHERE g.patient_id = r.patient_id AND g.received_at >= %(since)s) AS stored,
    EXISTS (SELECT FROM decision d
            WHERE d.patient_id = r.patient_id AND d.decided_at >= %(since)s) AS decided,
    EXISTS (SELECT FROM page p JOIN episode e USING (episode_id)
            WHERE e.patient_id = r.patient_id AND p.created_at >= %(since)s) AS paged
FROM resident r WHERE r.synthetic AND r.code = %(code)s
