-- What replaying and explaining read. Nothing here writes.

-- name: count_decisions
SELECT count(*) FROM decision
WHERE seq IS NOT NULL AND lane = 'acute'
  AND (%(since)s::timestamptz IS NULL OR decided_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR decided_at < %(until)s)
  AND (%(patient_id)s::integer IS NULL OR patient_id = %(patient_id)s)

-- name: decisions
-- In the order of their numbers, in which each chain is in order too.
SELECT decision_id, patient_id, decided_at, ruleset_digest, code_version, shadow, seq, body,
       prev_hash, hash
FROM decision
WHERE seq IS NOT NULL AND lane = 'acute'
  AND (%(since)s::timestamptz IS NULL OR decided_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR decided_at < %(until)s)
  AND (%(patient_id)s::integer IS NULL OR patient_id = %(patient_id)s)
ORDER BY decision_id

-- name: patient_of_code
SELECT patient_id FROM resident WHERE code = %(code)s

-- name: rulesets
SELECT name, texts FROM ruleset WHERE digest = ANY(%(digests)s)

-- name: digests
SELECT DISTINCT ruleset_digest FROM decision WHERE seq IS NOT NULL

-- name: stored_readings
-- The readings of some records, each by its natural key.
SELECT r.patient_id, r.kind, d.address, r.time, r.received_at, r.unit, r.flags,
       CASE WHEN r.place = 'home' THEN r.meal ELSE r.place END AS context, r.doubt_s,
       r.systolic_mmhg, r.diastolic_mmhg, r.pulse_bpm, r.systolic_kpa, r.diastolic_kpa,
       r.glucose_mmol_l, r.glucose_mg_dl
FROM unnest(%(patients)s::integer[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
    AS w (patient_id, first, last)
CROSS JOIN LATERAL (
    SELECT * FROM reading
    WHERE reading.patient_id = w.patient_id AND judged(reading.kind)
      AND reading.time BETWEEN w.first AND w.last
      AND reading.time BETWEEN %(oldest)s AND %(newest)s
    OFFSET 0
) AS r
JOIN device d USING (device_id)

-- name: episode
SELECT e.episode_id, e.patient_id, e.family, e.state, e.rule_id, e.severity, e.opened_at,
       e.closed_at, r.code, t.zone, coalesce(d.ruleset_digest, '-') AS digest,
       coalesce(d.code_version, '-') AS code_version
FROM episode e
JOIN resident r USING (patient_id)
JOIN team t ON t.team_id = r.team_id
LEFT JOIN LATERAL (
    -- By which it was decided when it began; a suspicion has no finding of its own.
    SELECT ruleset_digest, code_version FROM decision
    WHERE decision.patient_id = e.patient_id AND decided_at >= e.opened_at
      AND lane = 'acute' AND NOT shadow
    ORDER BY decided_at, decision_id LIMIT 1
) d ON true
WHERE e.episode_id = %(episode_id)s

-- name: findings
SELECT rule_id, trigger_key, confirmed, found_at, evidence FROM finding
WHERE episode_id = %(episode_id)s ORDER BY found_at, trigger_key

-- name: refusals
-- The same refusal stands in every decision until it ends: the first is enough.
SELECT * FROM (
    SELECT DISTINCT ON (refusal)
        d.decided_at, refusal,
        (
            SELECT input FROM jsonb_array_elements(d.inputs) input
            WHERE input ->> 'key' = refusal -> 'inputs' ->> 0
            LIMIT 1
        ) AS reading
    FROM decision d, jsonb_array_elements(d.refusals) refusal
    WHERE d.patient_id = %(patient_id)s AND refusal ->> 'family' = %(family)s
      AND d.decided_at >= %(opened_at)s
      AND (%(closed_at)s::timestamptz IS NULL OR d.decided_at <= %(closed_at)s)
    ORDER BY refusal, d.decided_at
) AS once ORDER BY decided_at

-- name: pages
SELECT p.created_at, p.sent_at, p.channel, p.state, d.name AS doctor
FROM page p JOIN doctor d USING (doctor_id)
WHERE p.episode_id = %(episode_id)s ORDER BY p.created_at, p.page_id

-- name: events
SELECT v.at, v.event, coalesce(d.name, v.actor) AS actor
FROM episode_event v LEFT JOIN doctor d ON d.doctor_id = v.actor
WHERE v.episode_id = %(episode_id)s ORDER BY v.event_id

-- name: shadow_span
-- For how long whom the set on trial has looked at, and how often.
SELECT count(*), coalesce(sum(n), 0)::bigint,
       coalesce(extract(epoch FROM sum(last - first)), 0)::float8, min(first)
FROM (
    SELECT patient_id, count(*) AS n, min(decided_at) AS first, max(decided_at) AS last
    FROM decision
    WHERE shadow AND (%(since)s::timestamptz IS NULL OR decided_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR decided_at < %(until)s)
      AND (%(patient_id)s::integer IS NULL OR patient_id = %(patient_id)s)
    GROUP BY patient_id
) AS each

-- name: shadow_counts
-- Findings of the one set that the other has not, by rule and severity; live ones only of residents
-- whom the trial has looked at, and since it began.
WITH looked AS (
    SELECT patient_id, min(decided_at) AS first, max(decided_at) AS last FROM decision
    WHERE shadow AND (%(since)s::timestamptz IS NULL OR decided_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR decided_at < %(until)s)
      AND (%(patient_id)s::integer IS NULL OR patient_id = %(patient_id)s)
    GROUP BY patient_id
), trial AS (
    SELECT s.* FROM shadow_finding s JOIN looked l USING (patient_id)
    WHERE s.found_at BETWEEN l.first AND l.last
), live AS (
    SELECT f.*, f.evidence ->> 'severity' AS severity FROM finding f JOIN looked l USING (patient_id)
    WHERE f.found_at BETWEEN l.first AND l.last
)
SELECT rule_id, severity, count(*), 0 FROM trial t WHERE NOT EXISTS (
    SELECT FROM live l
    WHERE (l.patient_id, l.rule_id, l.trigger_key, l.confirmed)
        = (t.patient_id, t.rule_id, t.trigger_key, t.confirmed) AND l.severity = t.severity)
GROUP BY 1, 2
UNION ALL
SELECT rule_id, severity, 0, count(*) FROM live l WHERE NOT EXISTS (
    SELECT FROM trial t
    WHERE (l.patient_id, l.rule_id, l.trigger_key, l.confirmed)
        = (t.patient_id, t.rule_id, t.trigger_key, t.confirmed) AND l.severity = t.severity)
GROUP BY 1, 2
