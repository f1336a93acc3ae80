-- What the feed reads. Times are arguments; `team` is null for a reader who may see every team.

-- name: one_moment
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: schema_version
SELECT max(name) FROM schema_migration

-- Where a page is about no resident: the reader's team, else the first there is.
-- name: zone
SELECT zone FROM team WHERE %(team)s::text IS NULL OR team_id = %(team)s ORDER BY team_id LIMIT 1

-- name: doctors
SELECT d.doctor_id, d.name, d.team_id, d.language, t.name AS team_name
FROM doctor d JOIN team t USING (team_id)
WHERE d.team_id = %(team)s
ORDER BY d.name, d.doctor_id

-- name: doctor
SELECT d.doctor_id, d.name, d.team_id, d.language, t.name AS team_name
FROM doctor d JOIN team t USING (team_id)
WHERE d.doctor_id = %(doctor_id)s

-- The last reading that bears on the episode is looked for in a bounded time, so that the database
-- opens few partitions. Until when a suspicion waits stands in the decision that refused to page.
-- name: episodes
SELECT
    e.episode_id, e.family, e.state, e.rule_id, e.severity, e.level, e.confirmed, e.measured_at,
    e.opened_at, e.level_since, e.last_evidence_at, e.answered_by, e.answered_at, e.disposition,
    e.closed_at, e.reopens_at, e.handed_to, e.tier,
    (
        SELECT CASE v.event WHEN 'amended' THEN v.at END FROM episode_event v
        WHERE v.episode_id = e.episode_id AND v.event IN ('amended', 'returned')
        ORDER BY v.event_id DESC LIMIT 1
    ) AS amended_at,
    answerer.name AS answered_by_name, taker.name AS handed_to_name,
    r.patient_id, r.code AS resident_code, r.name AS resident_name, r.birth_year, r.sex,
    own.name AS own_doctor_name,
    t.team_id, t.zone,
    awaited.until AS awaited_until,
    latest.time AS latest_at, latest.unit AS latest_unit, latest.flags AS latest_flags,
    latest.systolic_mmhg, latest.diastolic_mmhg, latest.systolic_kpa, latest.diastolic_kpa,
    latest.pulse_bpm, latest.glucose_mmol_l, latest.glucose_mg_dl
FROM episode e
JOIN patient r USING (patient_id)
JOIN doctor own ON own.doctor_id = r.doctor_id
JOIN team t ON t.team_id = r.team_id
LEFT JOIN doctor answerer ON answerer.doctor_id = e.answered_by
LEFT JOIN doctor taker ON taker.doctor_id = e.handed_to
LEFT JOIN LATERAL (
    SELECT max((refusal ->> 'until')::timestamptz) AS until
    FROM decision d, jsonb_array_elements(d.refusals) refusal
    WHERE e.state = 'suspected' AND d.patient_id = e.patient_id AND d.decided_at >= e.opened_at
      AND refusal ->> 'why' = 'awaiting_repeat' AND refusal ->> 'family' = e.family
) awaited ON true
LEFT JOIN LATERAL (
    SELECT * FROM reading
    WHERE reading.patient_id = e.patient_id
      AND reading.time >= %(readings_since)s
      AND reading.kind = CASE
          WHEN e.family LIKE 'glucose%%' THEN 'glucose' ELSE 'blood_pressure'
      END
    ORDER BY reading.time DESC LIMIT 1
) latest ON true
WHERE (%(team)s::text IS NULL OR r.team_id = %(team)s)
  AND (%(episode_id)s::bigint IS NULL OR e.episode_id = %(episode_id)s)
  AND (%(patient_id)s::integer IS NULL OR e.patient_id = %(patient_id)s)
  AND (
      %(episode_id)s::bigint IS NOT NULL
      OR e.state IN ('suspected', 'open', 'answered', 'watching')
      OR e.closed_at >= %(closed_since)s
  )
ORDER BY e.closed_at DESC NULLS FIRST, e.episode_id DESC
LIMIT %(limit)s

-- One row for each resident: since when nothing came, and whether a gateway is there that would
-- bring it. A resident without any gateway is not watched at all.
-- name: freshness
SELECT
    r.patient_id, r.code AS resident_code, r.name AS resident_name,
    (
        SELECT max(l.time) FROM patient_latest l
        WHERE l.patient_id = r.patient_id AND judged(l.kind)
    ) AS latest_at,
    coalesce((
        SELECT bool_or(g.online AND g.seen_at >= %(seen_since)s)
        FROM device_binding b
        JOIN device v USING (device_id)
        JOIN gateway g USING (gateway_id)
        WHERE b.patient_id = r.patient_id AND b.valid @> %(now)s::timestamptz
    ), false) AS watched
FROM patient r
WHERE %(team)s::text IS NULL OR r.team_id = %(team)s
ORDER BY r.code

-- name: queues
SELECT
    (SELECT count(*) FROM eval_queue) AS eval_waiting,
    (SELECT min(queued_at) FROM eval_queue) AS eval_oldest_at,
    (SELECT count(*) FROM page WHERE state = 'due' AND due_at <= %(now)s) AS pages_due,
    (SELECT min(due_at) FROM page WHERE state = 'due') AS page_oldest_at

-- Where an ambulance has to go, and whom to ring.
-- name: home
SELECT address, phone, emergency_contact FROM resident
WHERE patient_id = %(patient_id)s AND (%(team)s::text IS NULL OR team_id = %(team)s)

-- name: findings
SELECT f.rule_id, f.trigger_key, f.confirmed, f.found_at, f.evidence, d.ruleset_digest
FROM finding f JOIN decision d USING (decision_id)
WHERE f.episode_id = %(episode_id)s
ORDER BY f.found_at DESC, f.trigger_key
LIMIT %(limit)s

-- The same refusal stands in every decision until it ends: the first is enough.
-- name: refusals
SELECT DISTINCT ON (refusal)
    d.decided_at, refusal,
    (
        SELECT input FROM jsonb_array_elements(d.inputs) input
        WHERE input ->> 'key' = refusal -> 'inputs' ->> 0
        LIMIT 1
    ) AS reading
FROM decision d, jsonb_array_elements(d.refusals) refusal
WHERE d.patient_id = %(patient_id)s AND refusal ->> 'family' = %(family)s
  AND d.decided_at >= %(since)s AND d.decided_at <= %(until)s
ORDER BY refusal, d.decided_at
LIMIT %(limit)s

-- name: events
SELECT v.at, v.event, v.from_state, v.to_state, v.actor, d.name AS actor_name, v.detail
FROM episode_event v LEFT JOIN doctor d ON d.doctor_id = v.actor
WHERE v.episode_id = %(episode_id)s
ORDER BY v.event_id

-- The way of what opened an episode: the last reading that its first finding rests on, the
-- decision, and of all pages the first to get so far.
-- name: hops
SELECT g.time AS measured_at, g.hub_time AS hub_at, g.received_at, d.decided_at,
    p.paged_at, p.sent_at, p.delivered_at, p.read_at,
    (
        SELECT min(v.at) FROM episode_event v
        WHERE v.episode_id = %(episode_id)s AND v.event IN ('taken', 'acknowledged', 'snoozed')
    ) AS answered_at
FROM episode e
LEFT JOIN LATERAL (
    SELECT decision_id, evidence FROM finding
    WHERE finding.episode_id = e.episode_id ORDER BY found_at, trigger_key LIMIT 1
) f ON true
LEFT JOIN decision d ON d.decision_id = f.decision_id
LEFT JOIN LATERAL (
    SELECT max((used ->> 'at')::timestamptz) AS at
    FROM jsonb_array_elements(f.evidence -> 'readings') used
) newest ON true
LEFT JOIN LATERAL (
    SELECT time, hub_time, received_at FROM reading
    WHERE reading.patient_id = e.patient_id AND reading.time = newest.at AND judged(reading.kind)
    ORDER BY received_at LIMIT 1
) g ON true
LEFT JOIN LATERAL (
    SELECT min(created_at) AS paged_at, min(page.sent_at) AS sent_at,
        min(page.delivered_at) AS delivered_at, min(page.read_at) AS read_at
    FROM page WHERE page.episode_id = e.episode_id
) p ON true
WHERE e.episode_id = %(episode_id)s

-- name: pages
SELECT
    p.page_id, p.episode_id, p.step, p.loop, p.doctor_id, d.name AS doctor_name, p.channel,
    p.address, p.state, p.attempts, p.created_at, p.due_at, p.sent_at, t.zone,
    coalesce((
        SELECT jsonb_agg(
            jsonb_build_object('at', a.at, 'outcome', a.outcome, 'detail', a.detail)
            ORDER BY a.attempt_id
        ) FROM page_attempt a WHERE a.page_id = p.page_id
    ), '[]') AS tries
FROM page p
JOIN doctor d USING (doctor_id)
JOIN team t USING (team_id)
WHERE (%(episode_id)s::bigint IS NULL OR p.episode_id = %(episode_id)s)
  AND (%(team)s::text IS NULL OR d.team_id = %(team)s)
ORDER BY p.created_at DESC, p.due_at DESC, p.page_id
LIMIT %(limit)s

-- name: page_of_link
SELECT p.episode_id, p.language, d.name AS doctor_name
FROM page p JOIN doctor d USING (doctor_id)
WHERE p.page_id = %(page_id)s AND p.doctor_id = %(doctor_id)s

-- Who else was named in the message that a page went in: each has a link of its own.
-- name: told_together
SELECT p.link, p.episode_id, e.state, r.name AS resident_name
FROM page opened
JOIN page p ON p.message_id = opened.message_id AND p.doctor_id = opened.doctor_id
JOIN episode e ON e.episode_id = p.episode_id
JOIN resident r USING (patient_id)
WHERE opened.page_id = %(page_id)s AND opened.doctor_id = %(doctor_id)s
  AND p.page_id <> opened.page_id AND p.message_id <> p.page_id
ORDER BY p.created_at, p.episode_id

-- name: resident
SELECT r.patient_id, r.code, r.name, r.birth_year, r.sex, r.team_id, t.zone, t.name AS team_name,
    d.name AS doctor_name
FROM patient r
JOIN team t USING (team_id)
JOIN doctor d ON d.doctor_id = r.doctor_id
WHERE r.code = %(code)s AND (%(team)s::text IS NULL OR r.team_id = %(team)s)

-- Only the devices that measured are looked up, each once, however many there are.
-- name: readings
SELECT g.time, g.kind, g.unit, g.systolic_mmhg, g.diastolic_mmhg, g.systolic_kpa, g.diastolic_kpa,
    g.pulse_bpm, g.glucose_mmol_l, g.glucose_mg_dl, g.meal, g.flags, g.doubt_s, g.received_at,
    v.address AS device, v.model, g.place
FROM reading g
LEFT JOIN LATERAL (
    SELECT address, model FROM device WHERE device.device_id = g.device_id OFFSET 0
) v ON true
WHERE g.patient_id = %(patient_id)s AND judged(g.kind)
  AND g.time >= %(since)s AND g.time <= %(until)s
ORDER BY g.time DESC, g.kind
LIMIT %(limit)s

-- Of each kind so many: one that is measured every minute hides no other.
-- name: vitals
SELECT g.time, g.kind, g.unit, NULL AS systolic_mmhg, NULL AS diastolic_mmhg, NULL AS systolic_kpa,
    NULL AS diastolic_kpa, g.pulse_bpm, NULL AS glucose_mmol_l, NULL AS glucose_mg_dl,
    g.meal, g.flags, g.doubt_s, g.received_at, v.address AS device, v.model,
    g.weight_kg, g.weight_lb, g.temperature_c, g.temperature_f, g.spo2_pct, g.place
FROM unnest(%(kinds)s::text[]) AS k (kind)
CROSS JOIN LATERAL (
    SELECT * FROM reading
    WHERE reading.patient_id = %(patient_id)s AND reading.kind = k.kind
      AND reading.time >= %(since)s AND reading.time <= %(until)s
    ORDER BY reading.time DESC LIMIT %(limit)s
) g
LEFT JOIN device v USING (device_id)
ORDER BY g.kind, g.time DESC

-- name: quarantine_counts
SELECT reason, count(*) AS rows FROM quarantine_open
WHERE received_at >= %(since)s
GROUP BY reason ORDER BY count(*) DESC, reason

-- The bytes of another team's resident stay hidden: the row is for the operator, not its content.
-- name: quarantine
SELECT q.quarantine_id, q.received_at, q.gateway_id, q.topic, q.reason, q.detail, q.measured_at,
    CASE WHEN %(team)s::text IS NULL OR r.team_id IS NULL OR r.team_id = %(team)s
        THEN substring(q.payload FROM 1 FOR %(bytes)s) END AS payload,
    octet_length(q.payload) AS payload_bytes,
    CASE WHEN %(team)s::text IS NULL OR r.team_id = %(team)s THEN r.code END AS resident_code
FROM quarantine_open q LEFT JOIN resident r USING (patient_id)
WHERE q.received_at >= %(since)s
ORDER BY q.received_at DESC, q.quarantine_id DESC
LIMIT %(limit)s

-- What is nobody's yet, however long it has waited; with what it says only for the name of its device.
-- name: unowned
SELECT q.received_at, q.measured_at, q.gateway_id, q.reason, count(*) OVER () AS waiting,
    CASE WHEN octet_length(q.payload) <= %(bytes)s THEN q.payload ELSE '' END AS payload
FROM quarantine_open q
WHERE q.reason = ANY(%(reasons)s)
ORDER BY q.received_at DESC, q.quarantine_id DESC
LIMIT %(limit)s

-- name: gateways
-- Without the watchdog's, which is no machine in a home.
SELECT gateway_id, online, seen_at, waiting, version, c.state AS configuration
FROM gateway g JOIN gateway_configured c USING (gateway_id)
WHERE NOT EXISTS (
    SELECT FROM device JOIN device_binding USING (device_id) JOIN resident r USING (patient_id)
    WHERE device.gateway_id = g.gateway_id AND r.synthetic)
ORDER BY gateway_id

-- name: device_events
SELECT gateway_id, device, code, time, received_at FROM device_event
WHERE received_at >= %(since)s
ORDER BY received_at DESC LIMIT %(limit)s
