-- A corrected registry, and the readings that it gives to another resident. Times are parameters.

-- name: one_at_a_time
-- Whoever applies a registry compares it with the one before: no two at the same time.
SELECT pg_advisory_xact_lock(%(lock)s)

-- name: note_change
INSERT INTO registry_change (version, applied_at, applied_by)
VALUES (%(version)s, %(now)s, %(by)s)

-- name: note_holders
INSERT INTO device_holder SELECT DISTINCT device_id, patient_id FROM device_binding
ON CONFLICT DO NOTHING

-- name: ask
-- Asked before the new holders are noted: only where somebody has had a device, and somebody else
-- is named for it now, can anything change hands.
INSERT INTO reassign_due (device_id, version, disputed, due_at)
SELECT a.device_id, %(version)s, tstzrange(a.since, a.until), %(now)s
FROM unnest(%(devices)s::integer[], %(since)s::timestamptz[], %(until)s::timestamptz[])
    AS a (device_id, since, until)
WHERE EXISTS (
    SELECT FROM device_user h JOIN device_binding b USING (device_id)
    WHERE h.device_id = a.device_id AND h.patient_id <> b.patient_id)
ON CONFLICT (device_id) DO UPDATE
SET version = EXCLUDED.version, due_at = EXCLUDED.due_at, reached = NULL,
    disputed = range_merge(reassign_due.disputed, EXCLUDED.disputed)

-- name: due
SELECT d.device_id, v.address, d.version, c.applied_at, c.applied_by, lower(d.disputed),
       upper(d.disputed), d.reached
FROM reassign_due d
JOIN device v USING (device_id)
JOIN registry_change c USING (version)
WHERE d.due_at <= %(now)s
ORDER BY d.due_at, d.device_id LIMIT %(most)s
FOR UPDATE OF d SKIP LOCKED

-- name: wait_for_others
SELECT FROM reassign_due WHERE due_at <= %(now)s LIMIT 1 FOR UPDATE

-- name: bindings_of
SELECT user_slot, patient_id, lower(valid), upper(valid) FROM device_binding
WHERE device_id = %(device_id)s

-- name: holders_of
SELECT patient_id FROM device_user WHERE device_id = %(device_id)s ORDER BY patient_id

-- name: count_disputed
-- Readings to look at, of all devices that are due.
SELECT count(*)
FROM reassign_due d
JOIN device_user h USING (device_id)
CROSS JOIN LATERAL (
    SELECT FROM reading
    WHERE reading.patient_id = h.patient_id AND reading.device_id = d.device_id
      AND reading.time > coalesce(d.reached, lower(d.disputed) - interval '1 us', %(oldest)s)
      AND reading.time <= coalesce(upper(d.disputed), %(newest)s)
    OFFSET 0
) r
WHERE d.due_at <= %(now)s

-- name: readings_of
-- The next readings of a device, whoever has them, in order of time; a moment is never divided.
SELECT r.patient_id, r.time, r.kind, r.user_slot, r.received_at,
    ROW(r.systolic_mmhg, r.diastolic_mmhg, r.mean_mmhg, r.pulse_bpm, r.systolic_kpa,
        r.diastolic_kpa, r.mean_kpa, r.glucose_mmol_l, r.glucose_mg_dl, r.weight_kg, r.weight_lb,
        r.temperature_c, r.temperature_f, r.spo2_pct, r.unit, r.meal, r.user_slot,
        r.flags)::text,
    NULL::uuid
FROM unnest(%(holders)s::integer[]) AS h (patient_id)
CROSS JOIN LATERAL (
    SELECT * FROM reading
    WHERE reading.patient_id = h.patient_id AND reading.device_id = %(device_id)s
      AND reading.time > %(after)s AND reading.time <= %(until)s
    ORDER BY reading.time FETCH FIRST %(most)s ROWS WITH TIES
) r
ORDER BY r.time FETCH FIRST %(most)s ROWS WITH TIES

-- name: conflicts_of
SELECT c.patient_id, c.time, c.kind, r.user_slot, c.received_at,
    ROW(r.systolic_mmhg, r.diastolic_mmhg, r.mean_mmhg, r.pulse_bpm, r.systolic_kpa,
        r.diastolic_kpa, r.mean_kpa, r.glucose_mmol_l, r.glucose_mg_dl, r.weight_kg, r.weight_lb,
        r.temperature_c, r.temperature_f, r.spo2_pct, r.unit, r.meal, r.user_slot,
        r.flags)::text,
    c.reading_id
FROM reading_conflict c
CROSS JOIN LATERAL jsonb_populate_record(NULL::reading, c.arrived) r
WHERE c.device_id = %(device_id)s AND c.time > %(after)s AND c.time <= %(until)s

-- name: reports_of
-- Reports of symptoms; of which device one came stands in the message that brought it.
SELECT s.patient_id, s.time, s.received_at, s.reading_id, m.payload
FROM symptom_report s
JOIN ingest_ledger l USING (reading_id)
JOIN ingest_message m USING (message_id)
WHERE s.patient_id = ANY(%(holders)s) AND s.time > %(after)s AND s.time <= %(until)s

-- name: no_limit
-- What is compressed may be moved, however much it is. Elsewhere the setting means nothing.
SELECT set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)

-- name: make_moving
CREATE TEMPORARY TABLE moving (
    to_patient_id integer NOT NULL, outcome text NOT NULL, reading_id uuid, held reading NOT NULL
) ON COMMIT DROP

-- name: take_readings
-- Of one resident and a bounded time, so that few compressed rows are opened.
WITH gone AS (
    DELETE FROM reading r
    USING unnest(%(times)s::timestamptz[], %(kinds)s::text[], %(tos)s::integer[],
                 %(outcomes)s::text[], %(ids)s::uuid[])
        AS l (time, kind, to_patient_id, outcome, reading_id)
    WHERE r.patient_id = %(holder)s AND r.device_id = %(device_id)s
      AND r.time >= %(first)s AND r.time <= %(last)s
      AND r.time = l.time AND r.kind = l.kind
    RETURNING l.to_patient_id, l.outcome, l.reading_id, r AS held
)
INSERT INTO moving SELECT * FROM gone

-- name: take_conflicts
WITH gone AS (
    DELETE FROM reading_conflict c
    USING unnest(%(ids)s::uuid[], %(tos)s::integer[], %(outcomes)s::text[])
        AS l (reading_id, to_patient_id, outcome)
    WHERE c.reading_id = l.reading_id
    RETURNING l.to_patient_id, l.outcome, l.reading_id, c.arrived
)
INSERT INTO moving
SELECT to_patient_id, outcome, reading_id, jsonb_populate_record(NULL::reading, arrived) FROM gone

-- name: note_moved
INSERT INTO reading_reassigned (version, at, from_patient_id, to_patient_id, time, device_id, kind,
                                user_slot, received_at, reading_id, outcome)
SELECT %(version)s, %(now)s, (held).patient_id, to_patient_id, (held).time, (held).device_id,
    (held).kind, (held).user_slot, (held).received_at, reading_id, outcome
FROM moving
ORDER BY (held).time, (held).received_at

-- name: hand_over
UPDATE moving SET held.patient_id = to_patient_id

-- name: put_readings
INSERT INTO reading SELECT (held).* FROM moving WHERE outcome = 'stored'

-- name: put_conflicts
INSERT INTO reading_conflict (reading_id, received_at, patient_id, time, device_id, kind, stored,
                              arrived)
SELECT m.reading_id, (m.held).received_at, r.patient_id, r.time, r.device_id, r.kind, to_jsonb(r),
    to_jsonb(m.held)
FROM moving m
JOIN reading r ON (r.patient_id, r.time, r.device_id, r.kind)
                = ((m.held).patient_id, (m.held).time, (m.held).device_id, (m.held).kind)
WHERE m.outcome = 'conflict'

-- name: move_report
WITH moved AS (
    UPDATE symptom_report SET patient_id = %(to)s WHERE reading_id = %(reading_id)s
)
INSERT INTO reading_reassigned (version, at, from_patient_id, to_patient_id, time, device_id, kind,
                                user_slot, received_at, reading_id, outcome)
VALUES (%(version)s, %(now)s, %(from)s, %(to)s, %(time)s, %(device_id)s, 'symptom', %(user_slot)s,
        %(received_at)s, %(reading_id)s, 'symptom')

-- name: take_back_days
UPDATE daily_progress p SET touched_at = least(p.touched_at, t.time)
FROM unnest(%(patients)s::integer[], %(times)s::timestamptz[]) AS t (patient_id, time)
WHERE p.patient_id = t.patient_id AND t.time < p.closed_until

-- name: lock_latest
-- Ingest may just be raising them; what it has stored is seen by the statements after this.
SELECT FROM patient_latest WHERE patient_id = ANY(%(patients)s)
ORDER BY patient_id, kind FOR UPDATE

-- name: no_latest
DELETE FROM patient_latest l
WHERE l.patient_id = ANY(%(patients)s) AND l.kind = ANY(%(kinds)s) AND NOT EXISTS (
    SELECT FROM reading WHERE reading.patient_id = l.patient_id AND reading.kind = l.kind)

-- name: lower_latest
UPDATE patient_latest l SET time = last.time, received_at = last.received_at
FROM unnest(%(patients)s::integer[]) AS p (patient_id)
CROSS JOIN unnest(%(kinds)s::text[]) AS k (kind)
CROSS JOIN LATERAL (
    SELECT time, received_at FROM reading
    WHERE reading.patient_id = p.patient_id AND reading.kind = k.kind
    ORDER BY time DESC, device_id LIMIT 1
) AS last
WHERE l.patient_id = p.patient_id AND l.kind = k.kind

-- name: first_latest
INSERT INTO patient_latest (patient_id, kind, time, received_at)
SELECT p.patient_id, k.kind, last.time, last.received_at
FROM unnest(%(patients)s::integer[]) AS p (patient_id)
CROSS JOIN unnest(%(kinds)s::text[]) AS k (kind)
CROSS JOIN LATERAL (
    SELECT time, received_at FROM reading
    WHERE reading.patient_id = p.patient_id AND reading.kind = k.kind
    ORDER BY time DESC, device_id LIMIT 1
) AS last
ORDER BY 1, 2
ON CONFLICT (patient_id, kind) DO UPDATE
SET time = EXCLUDED.time, received_at = EXCLUDED.received_at
WHERE patient_latest.time < EXCLUDED.time

-- name: habits
-- Since which day a device is usual for a resident, by what is left of its readings there.
UPDATE resident_habit h SET devices = h.devices - v.address || coalesce(own.entry, '{}')
FROM device v
CROSS JOIN unnest(%(patients)s::integer[]) AS p (patient_id)
JOIN resident r USING (patient_id)
JOIN team t USING (team_id)
JOIN resident_habit before USING (patient_id)
LEFT JOIN LATERAL (
    SELECT jsonb_build_object(v.address, jsonb_build_array(first.kind, first.day)) AS entry
    FROM (
        SELECT kind, (time AT TIME ZONE t.zone - interval '4 h')::date AS day FROM reading
        WHERE reading.patient_id = p.patient_id AND reading.device_id = v.device_id
          AND judged(reading.kind)
        ORDER BY time LIMIT 1
    ) AS first
    WHERE first.day <= before.through_day
) AS own ON true
WHERE v.device_id = %(device_id)s AND h.patient_id = p.patient_id

-- name: settle_doubts
-- "Is this your own?" is answered: the registry says whose it is.
UPDATE reading_doubt SET answer = 'other', answered_at = %(now)s, answered_by = 'registry'
WHERE patient_id = %(patient_id)s AND reading_key = ANY(%(keys)s) AND answer IS NULL

-- name: ask_again
UPDATE reading_doubt SET answer = NULL, answered_at = NULL, answered_by = NULL
WHERE patient_id = %(patient_id)s AND reading_key = ANY(%(keys)s) AND answered_by = 'registry'

-- name: reach
UPDATE reassign_due SET reached = %(reached)s WHERE device_id = %(device_id)s

-- name: look_again
UPDATE reassign_due SET reached = NULL, due_at = %(due_at)s WHERE device_id = %(device_id)s

-- name: put_off
UPDATE reassign_due SET due_at = %(due_at)s WHERE device_id = %(device_id)s

-- name: done
DELETE FROM reassign_due WHERE device_id = %(device_id)s

-- name: codes
SELECT patient_id, code FROM resident WHERE patient_id = ANY(%(patients)s)

-- name: found_elsewhere
-- Readings that were some residents' once, or came to them later than they were received, by a
-- correction or out of quarantine: as they are now, whoever has them, and with each time at which
-- the resident may have got them. One may have become a conflict.
WITH span AS (
    SELECT * FROM unnest(
        %(patients)s::integer[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[]
    ) AS w (patient_id, first, last)
), moment AS (
    SELECT w.patient_id, m.time, m.device_id, m.kind, m.received_at AS came_at
    FROM span w JOIN reading_reassigned m
      ON w.patient_id IN (m.from_patient_id, m.to_patient_id) AND m.time BETWEEN w.first AND w.last
    UNION
    SELECT w.patient_id, m.time, m.device_id, m.kind, m.at
    FROM span w JOIN reading_reassigned m
      ON w.patient_id = m.to_patient_id AND m.time BETWEEN w.first AND w.last
    UNION
    SELECT w.patient_id, l.time, l.device_id, l.kind, l.at
    FROM span w JOIN reading_released l
      ON w.patient_id = l.patient_id AND l.time BETWEEN w.first AND w.last
)
SELECT n.patient_id, r.kind, d.address, r.time, n.came_at, r.unit, r.flags, r.meal, r.doubt_s,
       r.systolic_mmhg, r.diastolic_mmhg, r.pulse_bpm, r.systolic_kpa, r.diastolic_kpa,
       r.glucose_mmol_l, r.glucose_mg_dl
FROM moment n
JOIN device d USING (device_id)
JOIN device_user h USING (device_id)
CROSS JOIN LATERAL (
    SELECT * FROM reading
    WHERE reading.patient_id = h.patient_id AND reading.time = n.time
      AND reading.device_id = n.device_id AND reading.kind = n.kind
    UNION ALL
    SELECT kept.* FROM reading_conflict c
    CROSS JOIN LATERAL jsonb_populate_record(NULL::reading, c.arrived) kept
    WHERE c.device_id = n.device_id AND c.time = n.time AND c.kind = n.kind
      AND c.patient_id = h.patient_id
) r
WHERE judged(r.kind)
