-- Readings that leave the house: of devices, and those that were imported or typed.

-- name: one_moment
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: resident
SELECT r.patient_id, r.code, r.name, r.phone, t.zone FROM patient r JOIN team t USING (team_id)
WHERE r.code = %(code)s

-- name: team
SELECT r.patient_id, r.code, r.name, r.phone, t.zone FROM patient r JOIN team t USING (team_id)
WHERE t.team_id = %(team)s
ORDER BY r.code

-- name: amount
SELECT (
    SELECT count(*) FROM reading
    WHERE patient_id = ANY(%(patients)s)
      AND time >= coalesce(%(since)s::timestamptz, '-infinity')
      AND time < coalesce(%(until)s::timestamptz, 'infinity')
) + (
    SELECT count(*) FROM imported_reading
    WHERE patient_id = ANY(%(patients)s)
      AND time >= coalesce(%(since)s::timestamptz, '-infinity')
      AND time < coalesce(%(until)s::timestamptz, 'infinity')
)

-- name: readings
-- Of one resident, in order of time, as `READ` in export/columns.py names them.
SELECT r.kind, r.time, r.systolic_mmhg, r.diastolic_mmhg, r.mean_mmhg, r.pulse_bpm,
       r.systolic_kpa, r.diastolic_kpa, r.mean_kpa, r.glucose_mmol_l, r.glucose_mg_dl,
       r.weight_kg, r.weight_lb, r.temperature_c, r.temperature_f, r.spo2_pct,
       r.unit, r.meal, r.flags, r.place, 'device' AS source, d.address AS device, d.model,
       r.user_slot, r.doubt_s, r.received_at
FROM reading r LEFT JOIN device d USING (device_id)
WHERE r.patient_id = %(patient)s
  AND r.time >= coalesce(%(since)s::timestamptz, '-infinity')
  AND r.time < coalesce(%(until)s::timestamptz, 'infinity')
UNION ALL
SELECT kind, time, systolic_mmhg, diastolic_mmhg, mean_mmhg, pulse_bpm,
       systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l, glucose_mg_dl,
       NULL, NULL, NULL, NULL, NULL,
       unit, meal, flags, NULL, source, device, NULL, NULL, NULL, imported_at
FROM imported_reading
WHERE patient_id = %(patient)s
  AND time >= coalesce(%(since)s::timestamptz, '-infinity')
  AND time < coalesce(%(until)s::timestamptz, 'infinity')
ORDER BY time, kind, source, device
