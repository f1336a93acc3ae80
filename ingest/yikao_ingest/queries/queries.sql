-- Questions that people ask about a resident or a team. Statements of `queries/`: what the resident
-- measured, as it is stored. Time is a parameter; days are those of the zone of the team.

-- name: team
SELECT zone, ARRAY(SELECT patient_id FROM patient r WHERE r.team_id = t.team_id)
FROM team t WHERE t.team_id = %(team_id)s

-- name: resident
SELECT t.zone FROM patient r JOIN team t USING (team_id) WHERE r.patient_id = %(patient_id)s

-- name: latest
SELECT r.patient_id, r.code, l.kind, l.time, l.unit, l.systolic_mmhg, l.diastolic_mmhg, l.pulse_bpm,
    coalesce(l.glucose_mmol_l, l.glucose_mg_dl / 18.0182), l.meal, l.flags,
    l.weight_kg, l.temperature_c, l.spo2_pct
FROM patient r JOIN patient_latest l USING (patient_id)
WHERE r.team_id = %(team_id)s AND l.values_at IS NOT NULL
ORDER BY r.code COLLATE "C", l.kind COLLATE "C"

-- name: silent
-- Who has measured nothing that rules look at since a moment, or never; the longest silence first.
SELECT r.patient_id, r.code, max(l.time)
FROM patient r
LEFT JOIN patient_latest l ON l.patient_id = r.patient_id AND judged(l.kind)
WHERE r.team_id = %(team_id)s
GROUP BY r.patient_id, r.code
HAVING coalesce(max(l.time) < %(since)s, true)
ORDER BY max(l.time) NULLS FIRST, r.code

-- name: measured_days
-- On how many of the asked weekdays (Monday is 1) each measured.
SELECT r.patient_id, r.code, r.enrolled_on, count(measured.day) FILTER (
    WHERE extract(isodow FROM measured.day) = ANY(%(weekdays)s::integer[])
      AND measured.day >= coalesce(r.enrolled_on, measured.day)
)
FROM patient r
LEFT JOIN (
    SELECT patient_id, (time AT TIME ZONE %(zone)s - %(day_begins)s::interval)::date AS day
    FROM reading
    WHERE patient_id = ANY(%(patients)s) AND time >= %(begins)s AND time < %(ends)s
      AND kind = %(kind)s
    GROUP BY 1, 2
) measured USING (patient_id)
WHERE r.team_id = %(team_id)s
GROUP BY r.patient_id, r.code, r.enrolled_on
ORDER BY r.code

-- name: day_parts
-- What is measured before the day begins belongs to the evening of the day before.
SELECT local.at::date,
    CASE WHEN local.at::time < %(morning)s::interval::time THEN 'morning' ELSE 'evening' END,
    count(*), avg(systolic_mmhg), avg(diastolic_mmhg), avg(pulse_bpm),
    avg(coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182))
FROM reading g
CROSS JOIN LATERAL (
    SELECT g.time AT TIME ZONE %(zone)s - %(day_begins)s::interval AS at
) local
WHERE g.patient_id = %(patient_id)s AND g.kind = %(kind)s
  AND g.time >= %(begins)s AND g.time < %(ends)s
GROUP BY 1, 2
ORDER BY 1, 2 DESC

-- name: vitals
SELECT time, unit, weight_kg, temperature_c, spo2_pct, pulse_bpm, flags, place FROM reading
WHERE patient_id = %(patient_id)s AND kind = %(kind)s AND time >= %(begins)s AND time < %(ends)s
ORDER BY time, device_id

-- name: gaps
-- From reading to reading; the ends of the period are no readings, but bound a gap.
SELECT time, next FROM (
    SELECT time, lead(time) OVER (ORDER BY time) AS next FROM (
        SELECT g.time FROM reading g
        WHERE g.patient_id = %(patient_id)s AND g.kind = %(kind)s
          AND g.time >= %(since)s AND g.time < %(until)s
        UNION ALL VALUES (%(since)s::timestamptz), (%(until)s::timestamptz)
    ) times
) pairs
WHERE next - time > %(longer_than)s::interval
ORDER BY time

-- name: sums
-- Each day or hour of the period, also without a reading. Summed up first, then laid beside them.
SELECT each.begins, coalesce(residents, 0), coalesce(readings, 0),
    pressures, systolic_sum, systolic_min, systolic_max,
    diastolic_sum, diastolic_min, diastolic_max,
    pulses, pulse_sum, pulse_min, pulse_max,
    glucoses, glucose_sum, glucose_min, glucose_max
FROM {calendar}
LEFT JOIN (
    SELECT bucket, count(*) AS residents, sum(readings) AS readings,
        sum(pressures) AS pressures, sum(systolic_sum) AS systolic_sum,
        min(systolic_min) AS systolic_min, max(systolic_max) AS systolic_max,
        sum(diastolic_sum) AS diastolic_sum, min(diastolic_min) AS diastolic_min,
        max(diastolic_max) AS diastolic_max,
        sum(pulses) AS pulses, sum(pulse_sum) AS pulse_sum, min(pulse_min) AS pulse_min,
        max(pulse_max) AS pulse_max,
        sum(glucoses) AS glucoses, sum(glucose_sum) AS glucose_sum, min(glucose_min) AS glucose_min,
        max(glucose_max) AS glucose_max
    FROM ({rows}) AS of_each
    GROUP BY bucket
) r ON r.bucket = each.begins
ORDER BY each.begins

-- name: each_day
generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS local (day)
CROSS JOIN LATERAL (SELECT local.day AT TIME ZONE %(zone)s AS begins) each

-- name: each_hour
generate_series(%(begins)s::timestamptz, %(ends)s::timestamptz - interval '1 hour',
                interval '1 hour') AS each (begins)

-- name: daily
SELECT * FROM reading_daily
WHERE patient_id = ANY(%(patients)s) AND kind = %(kind)s
  AND bucket >= %(begins)s AND bucket < %(ends)s

-- name: hourly
SELECT * FROM reading_hourly
WHERE patient_id = ANY(%(patients)s) AND kind = %(kind)s
  AND bucket >= %(begins)s AND bucket < %(ends)s

-- name: daily_of_readings
-- The same, in a zone whose days are not those of the roll-up.
SELECT patient_id, date_trunc('day', time, %(zone)s) AS bucket, count(*) AS readings,
    count(systolic_mmhg) AS pressures, sum(systolic_mmhg) AS systolic_sum,
    min(systolic_mmhg) AS systolic_min, max(systolic_mmhg) AS systolic_max,
    sum(diastolic_mmhg) AS diastolic_sum, min(diastolic_mmhg) AS diastolic_min,
    max(diastolic_mmhg) AS diastolic_max,
    count(pulse_bpm) AS pulses, sum(pulse_bpm) AS pulse_sum, min(pulse_bpm) AS pulse_min,
    max(pulse_bpm) AS pulse_max,
    count(glucose) AS glucoses, sum(glucose) AS glucose_sum, min(glucose) AS glucose_min,
    max(glucose) AS glucose_max
FROM reading
CROSS JOIN LATERAL (SELECT coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182) AS glucose) one
WHERE patient_id = ANY(%(patients)s) AND kind = %(kind)s
  AND time >= %(begins)s AND time < %(ends)s
GROUP BY 1, 2
