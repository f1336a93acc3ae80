-- What the daily round reads and writes. Days begin at 04:00 on the clock of the team's zone. Only
-- what was measured at home counts: at a station other numbers are normal (docs/station.md).

-- name: zones
SELECT DISTINCT zone FROM team ORDER BY zone

-- name: begin_residents
-- Everybody who exists and has measured gets a line, as if the day before the first reading had been closed.
INSERT INTO daily_progress (patient_id, days_through, through_day, closed_until)
SELECT r.patient_id, first.day - 1, first.day - 1, %(long_ago)s
FROM patient r
JOIN team t USING (team_id)
CROSS JOIN LATERAL (
    SELECT min((g.time AT TIME ZONE %(zone)s - interval '4 h 30 min')::date) AS day
    FROM reading g
    WHERE g.patient_id = r.patient_id AND judged(g.kind) AND g.place = 'home'
      AND g.time > %(oldest)s
) AS first
WHERE t.zone = %(zone)s AND first.day IS NOT NULL
  AND NOT EXISTS (SELECT FROM daily_progress p WHERE p.patient_id = r.patient_id)
ON CONFLICT DO NOTHING

-- name: claim_days
-- Residents whose days are not made up to the last closed one.
SELECT patient_id, days_through + 1, NULL::timestamptz FROM (
    SELECT p.patient_id, p.days_through FROM daily_progress p
    JOIN resident r USING (patient_id) JOIN team t USING (team_id)
    WHERE t.zone = %(zone)s AND p.days_through < %(day)s
    ORDER BY p.patient_id LIMIT %(look_at)s
) AS waiting
WHERE pg_try_advisory_xact_lock(%(lock_class)s, patient_id) LIMIT %(most)s

-- name: claim_round
-- Residents whose last closed day no rule has looked at.
SELECT patient_id, through_day + 1, touched_at FROM (
    SELECT p.patient_id, p.through_day, p.touched_at FROM daily_progress p
    JOIN resident r USING (patient_id) JOIN team t USING (team_id)
    WHERE t.zone = %(zone)s AND p.through_day < %(day)s
    ORDER BY p.patient_id LIMIT %(look_at)s
) AS waiting
WHERE pg_try_advisory_xact_lock(%(lock_class)s, patient_id) LIMIT %(most)s

-- name: claim_touched
-- Residents in whose closed days something has come since.
SELECT patient_id, through_day + 1, touched_at FROM (
    SELECT p.patient_id, p.through_day, p.touched_at FROM daily_progress p
    JOIN resident r USING (patient_id) JOIN team t USING (team_id)
    WHERE t.zone = %(zone)s AND p.touched_at IS NOT NULL
    ORDER BY p.patient_id LIMIT %(look_at)s
) AS waiting
WHERE pg_try_advisory_xact_lock(%(lock_class)s, patient_id) LIMIT %(most)s

-- name: waiting
-- Whether anybody is left, somebody else's included.
SELECT EXISTS (
    SELECT FROM daily_progress p JOIN resident r USING (patient_id) JOIN team t USING (team_id)
    WHERE t.zone = %(zone)s AND least(p.days_through, p.through_day) < %(day)s
), EXISTS (
    SELECT FROM daily_progress p JOIN resident r USING (patient_id) JOIN team t USING (team_id)
    WHERE t.zone = %(zone)s AND p.days_through < %(day)s
)

-- name: still_due
-- Under the lock: what another one has not done meanwhile.
SELECT patient_id, days_through, through_day, touched_at FROM daily_progress
WHERE patient_id = ANY(%(patients)s) FOR UPDATE SKIP LOCKED

-- name: days_made
UPDATE daily_progress SET days_through = %(day)s WHERE patient_id = ANY(%(patients)s)

-- name: round_made
UPDATE daily_progress SET days_through = %(day)s, through_day = %(day)s, touched_at = NULL,
    closed_until = %(closed_until)s
WHERE patient_id = ANY(%(patients)s)

-- name: states
SELECT patient_id, signal, state FROM trend_state
WHERE patient_id = ANY(%(patients)s) AND through_day = %(day)s AND signal <> 'label'

-- name: first_readings
-- The local day of a resident's first reading.
SELECT w.patient_id, first.day
FROM unnest(%(patients)s::integer[]) AS w (patient_id)
CROSS JOIN LATERAL (
    SELECT min((g.time AT TIME ZONE %(zone)s - interval '4 h 30 min')::date) AS day
    FROM reading g
    WHERE g.patient_id = w.patient_id AND judged(g.kind) AND g.place = 'home'
      AND g.time > %(oldest)s
) AS first
WHERE first.day IS NOT NULL

-- name: pressures
SELECT w.place - 1, floor(extract(epoch FROM r.time AT TIME ZONE %(zone)s) / 60)::bigint,
    coalesce(CASE r.unit WHEN 'kPa' THEN r.systolic_kpa ELSE r.systolic_mmhg END, 'nan'),
    coalesce(CASE r.unit WHEN 'kPa' THEN r.diastolic_kpa ELSE r.diastolic_mmhg END, 'nan'),
    coalesce(r.pulse_bpm, 'nan'), r.unit = 'kPa'
FROM unnest(%(patients)s::integer[]) WITH ORDINALITY AS w (patient_id, place)
CROSS JOIN LATERAL (
    SELECT * FROM reading JOIN device USING (device_id)
    WHERE reading.patient_id = w.patient_id AND reading.kind = 'blood_pressure' AND place = 'home'
      AND reading.time >= %(first)s AND reading.time < %(last)s
    OFFSET 0
) AS r
WHERE NOT EXISTS (
    SELECT FROM reading_doubt d
    WHERE d.patient_id = w.patient_id AND d.answer IS DISTINCT FROM 'own'
      AND d.measured_at = r.time
      AND starts_with(d.reading_key, r.kind || '/' || r.address || '/')
)

-- name: glucoses
SELECT w.place - 1, floor(extract(epoch FROM r.time AT TIME ZONE %(zone)s) / 60)::bigint,
    CASE r.unit WHEN 'mg/dL' THEN r.glucose_mg_dl ELSE r.glucose_mmol_l END, r.meal,
    r.unit = 'mg/dL'
FROM unnest(%(patients)s::integer[]) WITH ORDINALITY AS w (patient_id, place)
CROSS JOIN LATERAL (
    SELECT * FROM reading
    WHERE reading.patient_id = w.patient_id AND reading.kind = 'glucose' AND place = 'home'
      AND reading.time >= %(first)s AND reading.time < %(last)s
    OFFSET 0
) AS r
WHERE coalesce(r.glucose_mg_dl, r.glucose_mmol_l) IS NOT NULL

-- name: devices_used
SELECT w.patient_id, d.address, r.kind,
    min((r.time AT TIME ZONE %(zone)s - interval '4 h')::date)
FROM unnest(%(patients)s::integer[]) AS w (patient_id)
CROSS JOIN LATERAL (
    SELECT * FROM reading
    WHERE reading.patient_id = w.patient_id AND judged(reading.kind) AND place = 'home'
      AND reading.time >= %(first)s AND reading.time < %(last)s
    OFFSET 0
) AS r
JOIN device d USING (device_id)
GROUP BY w.patient_id, d.address, r.kind

-- name: treatment
-- What doctors changed after a day, and did not take back.
SELECT w.place - 1, c.signal, c.change, c.from_day
FROM unnest(%(patients)s::integer[]) WITH ORDINALITY AS w (patient_id, place)
JOIN treatment_change c USING (patient_id)
WHERE c.from_day > %(after)s AND c.taken_back_at IS NULL

-- name: habits
SELECT patient_id, devices FROM resident_habit WHERE patient_id = ANY(%(patients)s)

-- name: save_habit
INSERT INTO resident_habit (patient_id, through_day, devices, unit_habit, profile)
VALUES (%(patient_id)s, %(day)s, %(devices)s, %(unit_habit)s, %(profile)s)
ON CONFLICT (patient_id) DO UPDATE
SET through_day = EXCLUDED.through_day, devices = EXCLUDED.devices,
    unit_habit = EXCLUDED.unit_habit, profile = EXCLUDED.profile

-- name: clear_days
DELETE FROM resident_day WHERE patient_id = %(patient_id)s AND day >= %(first)s

-- name: copy_days
COPY resident_day (patient_id, day, morning_readings, evening_readings, morning_systolic,
                   morning_diastolic, evening_systolic, evening_diastolic, value)
FROM STDIN (FORMAT BINARY)

-- name: clear_states
DELETE FROM trend_state
WHERE patient_id = %(patient_id)s AND signal <> 'label' AND through_day >= %(first)s

-- name: copy_states
COPY trend_state (patient_id, signal, through_day, state) FROM STDIN (FORMAT BINARY)

-- name: label_states
SELECT DISTINCT ON (patient_id) patient_id, through_day, state FROM trend_state
WHERE patient_id = ANY(%(patients)s) AND signal = 'label'
ORDER BY patient_id, through_day DESC

-- name: save_label_state
WITH gone AS (
    DELETE FROM trend_state
    WHERE patient_id = %(patient_id)s AND signal = 'label' AND through_day <> %(day)s
)
INSERT INTO trend_state (patient_id, signal, through_day, state)
VALUES (%(patient_id)s, 'label', %(day)s, %(state)s)
ON CONFLICT (patient_id, signal, through_day) DO UPDATE SET state = EXCLUDED.state

-- name: newest_labels
SELECT DISTINCT ON (patient_id) patient_id, label, reasons FROM label
WHERE patient_id = ANY(%(patients)s) ORDER BY patient_id, at DESC

-- name: save_label
INSERT INTO label (patient_id, at, label, reasons, version)
VALUES (%(patient_id)s, %(now)s, %(label)s, %(reasons)s, %(version)s)
ON CONFLICT (patient_id, at) DO UPDATE
SET label = EXCLUDED.label, reasons = EXCLUDED.reasons, version = EXCLUDED.version

-- name: open_cases
SELECT patient_id, rule_id, severity FROM episode
WHERE patient_id = ANY(%(patients)s) AND state IN ('open', 'answered', 'watching')
UNION ALL
SELECT patient_id, rule_id, severity FROM worklist_entry
WHERE patient_id = ANY(%(patients)s) AND closed_at IS NULL AND opened_at <= %(now)s

-- name: conditions
-- The conditions of the daily lane that hold, closed by a person or not.
SELECT patient_id, rule_id, opened_day FROM worklist_entry
WHERE patient_id = ANY(%(patients)s) AND ended_day IS NULL AND rule_id = ANY(%(rules)s)
  AND evidence ->> 'what' IS DISTINCT FROM 'next_day_visit'

-- name: open_entry
INSERT INTO worklist_entry (patient_id, rule_id, severity, opened_day, opened_at, evidence,
                            decision_id)
VALUES (%(patient_id)s, %(rule_id)s, %(severity)s, %(day)s, %(now)s, %(evidence)s,
        %(decision_id)s)
ON CONFLICT (patient_id, rule_id) WHERE closed_at IS NULL DO NOTHING

-- name: end_entry
UPDATE worklist_entry SET ended_day = %(day)s,
    closed_at = coalesce(closed_at, %(now)s), closed_why = coalesce(closed_why, 'ended')
WHERE patient_id = %(patient_id)s AND rule_id = %(rule_id)s AND ended_day IS NULL
  AND evidence ->> 'what' IS DISTINCT FROM 'next_day_visit'

-- name: end_quiet
-- Entries of counting rules end after so many days without another finding.
UPDATE worklist_entry w SET ended_day = %(day)s,
    closed_at = coalesce(w.closed_at, %(now)s), closed_why = coalesce(w.closed_why, 'ended')
FROM unnest(%(rules)s::text[], %(since)s::timestamptz[]) AS q (rule_id, since)
WHERE w.patient_id = ANY(%(patients)s) AND w.rule_id = q.rule_id AND w.ended_day IS NULL
  AND w.evidence ->> 'what' = 'count' AND w.opened_at <= q.since
  AND NOT EXISTS (
      SELECT FROM finding f
      WHERE f.patient_id = w.patient_id AND f.rule_id = w.rule_id AND f.found_at > q.since)

-- name: enrol
-- Whoever has never measured is waited for from the day on which the round first knew of them.
UPDATE resident r SET enrolled_on = %(day)s
FROM team t WHERE t.team_id = r.team_id AND t.zone = %(zone)s AND r.enrolled_on IS NULL

-- name: zone_residents
SELECT r.patient_id FROM patient r JOIN team t USING (team_id)
WHERE t.zone = %(zone)s AND r.patient_id > %(after)s
ORDER BY r.patient_id LIMIT %(most)s

-- name: last_readings
SELECT r.patient_id, last.time, r.enrolled_on FROM resident r
LEFT JOIN LATERAL (
    SELECT g.time FROM reading g
    WHERE g.patient_id = r.patient_id AND judged(g.kind) AND g.place = 'home'
    ORDER BY g.time DESC LIMIT 1
) AS last ON true
WHERE r.patient_id = ANY(%(patients)s)

-- name: reading_times
SELECT w.patient_id, r.time
FROM unnest(%(patients)s::integer[], %(since)s::timestamptz[]) AS w (patient_id, since)
CROSS JOIN LATERAL (
    SELECT time FROM reading
    WHERE reading.patient_id = w.patient_id AND judged(reading.kind) AND place = 'home'
      AND reading.time >= w.since
    OFFSET 0
) AS r

-- name: homes
-- The devices that residents have now, by whom they are read, and when they were last heard: a
-- neighbour's reading shows too that a shared device works.
SELECT b.patient_id, d.address, g.online, g.seen_at, greatest(used.time, said.time), said.low
FROM device_binding b
JOIN device d USING (device_id)
JOIN gateway g USING (gateway_id)
LEFT JOIN LATERAL (
    SELECT max(r.time) AS time FROM device_binding o
    JOIN reading r ON r.patient_id = o.patient_id AND r.device_id = d.device_id
    WHERE o.device_id = d.device_id AND judged(r.kind) AND r.time > %(since)s
) AS used ON true
LEFT JOIN (
    SELECT device, max(time) AS time, max(time) FILTER (WHERE code = 'battery_low') AS low
    FROM device_event WHERE received_at > %(since)s GROUP BY device
) AS said ON said.device = d.address
WHERE b.patient_id = ANY(%(patients)s) AND b.valid @> %(now)s::timestamptz
ORDER BY b.patient_id, d.address

-- name: gateways
SELECT online, seen_at FROM gateway WHERE seen_at IS NOT NULL

-- name: still_silent
UPDATE worklist_entry SET evidence = %(evidence)s
WHERE patient_id = %(patient_id)s AND rule_id = %(rule_id)s AND ended_day IS NULL
  AND closed_at IS NULL

-- name: end_silences
-- Whoever has measured at home since is silent no longer: the newest of all tells quickly who has
-- not, and what came late lies at most a month before the entry.
UPDATE worklist_entry w SET ended_day = (%(now)s AT TIME ZONE t.zone - interval '4 h')::date,
    closed_at = %(now)s, closed_why = 'ended'
FROM resident r JOIN team t USING (team_id)
WHERE r.patient_id = w.patient_id AND w.rule_id = %(rule_id)s AND w.closed_at IS NULL
  AND w.evidence ->> 'what' = 'silence'
  AND EXISTS (
      SELECT FROM patient_latest l
      WHERE l.patient_id = w.patient_id AND judged(l.kind) AND l.received_at > w.opened_at)
  AND EXISTS (
      SELECT FROM reading g
      WHERE g.patient_id = w.patient_id AND g.time > w.opened_at - interval '30 days'
        AND judged(g.kind) AND g.place = 'home' AND g.received_at > w.opened_at)
RETURNING w.patient_id

-- name: season
SELECT day, median, residents FROM season_index WHERE panel = %(panel)s ORDER BY day

-- name: first_value_day
SELECT min(d.day) FROM resident_day d
JOIN resident r USING (patient_id) JOIN team t USING (team_id)
WHERE t.zone = %(zone)s AND d.value IS NOT NULL

-- name: season_values
-- The panel's values of a day beside each one's own mean of the first 28 days that there are, the
-- index as it was known on those days taken off, added up in the order of the days.
SELECT d.patient_id, d.day, d.value, own.total, own.days
FROM resident_day d
JOIN resident r USING (patient_id) JOIN team t USING (team_id)
CROSS JOIN LATERAL (
    SELECT min(day) AS day FROM resident_day f
    WHERE f.patient_id = d.patient_id AND f.value IS NOT NULL
) AS first
CROSS JOIN LATERAL (
    SELECT sum(f.value - coalesce(known.g, 0) ORDER BY f.day) AS total, count(*) AS days
    FROM resident_day f
    LEFT JOIN LATERAL (
        SELECT s.g FROM season_index s
        WHERE s.panel = %(zone)s AND s.day <= f.day AND s.g IS NOT NULL
        ORDER BY s.day DESC LIMIT 1
    ) AS known ON true
    WHERE f.patient_id = d.patient_id AND f.value IS NOT NULL
      AND f.day < first.day + %(own_days)s
) AS own
WHERE t.zone = %(zone)s AND d.value IS NOT NULL
  AND d.day > %(since)s AND d.day <= %(day)s AND d.day >= first.day + %(own_days)s

-- name: freeze_season
INSERT INTO season_index (panel, day, residents, median, g)
VALUES (%(panel)s, %(day)s, %(residents)s, %(median)s, %(g)s) ON CONFLICT DO NOTHING

-- name: heads
SELECT DISTINCT ON (patient_id) patient_id, seq, hash FROM decision
WHERE patient_id = ANY(%(patients)s) AND lane = 'daily' AND NOT shadow AND seq IS NOT NULL
ORDER BY patient_id, seq DESC

-- name: residents
SELECT r.patient_id, r.birth_year, r.sex, p.groups, p.targets, p.options
FROM resident r
LEFT JOIN LATERAL (
    SELECT groups, targets, options FROM resident_profile
    WHERE resident_profile.patient_id = r.patient_id AND valid_from <= %(now)s
    ORDER BY valid_from DESC, profile_id DESC LIMIT 1
) p ON true
WHERE r.patient_id = ANY(%(patients)s)
