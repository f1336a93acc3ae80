-- Readings from files of other apps.

-- name: resident
SELECT r.patient_id, t.zone FROM patient r JOIN team t USING (team_id) WHERE r.code = %(code)s

-- name: insert_imported
INSERT INTO imported_reading (reading_id, patient_id, time, kind, source, systolic_mmhg,
    diastolic_mmhg, mean_mmhg, pulse_bpm, systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l,
    glucose_mg_dl, unit, meal, flags, device, file_name_sha256, file_sha256, file_line,
    imported_by, imported_at)
VALUES (%(reading_id)s, %(patient_id)s, %(time)s, %(kind)s, %(source)s, %(systolic_mmhg)s,
    %(diastolic_mmhg)s, %(mean_mmhg)s, %(pulse_bpm)s, %(systolic_kpa)s, %(diastolic_kpa)s,
    %(mean_kpa)s, %(glucose_mmol_l)s, %(glucose_mg_dl)s, %(unit)s, %(meal)s, %(flags)s,
    %(device)s, %(file_name_sha256)s, %(file_sha256)s, %(file_line)s, %(imported_by)s,
    %(imported_at)s)
ON CONFLICT DO NOTHING
