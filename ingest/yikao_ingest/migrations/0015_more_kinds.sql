-- Weight, temperature, oximetry and heart rate, which is a pulse alone; and where it was measured.
ALTER TABLE reading_kept
    ADD COLUMN weight_kg double precision,
    ADD COLUMN weight_lb double precision,
    ADD COLUMN temperature_c double precision,
    ADD COLUMN temperature_f double precision,
    ADD COLUMN spo2_pct double precision,
    -- NULL: at home, as everything before; `office`: at a station that many use.
    ADD COLUMN place text;

CREATE OR REPLACE VIEW reading AS
SELECT patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg, mean_mmhg, pulse_bpm,
    systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l, glucose_mg_dl, unit, meal, record,
    user_slot, flags, doubt_s,
    coalesce(device_time, device_words(time, device_ahead_s)) AS device_time,
    coalesce(device_offset_s, device_offset(time, device_ahead_s, device_zone_s))
        AS device_offset_s,
    coalesce(hub_time, moment_after(time, hub_after_ms)) AS hub_time,
    coalesce(received_at, moment_after(time, received_after_ms)) AS received_at,
    weight_kg, weight_lb, temperature_c, temperature_f, spo2_pct, coalesce(place, 'home') AS place
FROM reading_kept;

-- The view's columns are no longer the first of the table's.
CREATE OR REPLACE FUNCTION keep_reading() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reading_kept (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,
        mean_mmhg, pulse_bpm, systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l, glucose_mg_dl,
        weight_kg, weight_lb, temperature_c, temperature_f, spo2_pct, unit, meal, record, user_slot,
        flags, place, doubt_s, device_time, device_offset_s, hub_time, received_at)
    VALUES (NEW.patient_id, NEW.time, NEW.device_id, NEW.kind, NEW.systolic_mmhg,
        NEW.diastolic_mmhg, NEW.mean_mmhg, NEW.pulse_bpm, NEW.systolic_kpa, NEW.diastolic_kpa,
        NEW.mean_kpa, NEW.glucose_mmol_l, NEW.glucose_mg_dl, NEW.weight_kg, NEW.weight_lb,
        NEW.temperature_c, NEW.temperature_f, NEW.spo2_pct, NEW.unit, NEW.meal, NEW.record,
        NEW.user_slot, NEW.flags, nullif(NEW.place, 'home'), NEW.doubt_s, NEW.device_time,
        NEW.device_offset_s, NEW.hub_time, NEW.received_at);
    RETURN NEW;
END $$;

-- Return whether rules look at readings of a kind: the others are kept and shown, and nothing that
-- is decided about a resident depends on them.
CREATE FUNCTION judged(kind text) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN kind IN ('blood_pressure', 'glucose');

ALTER TABLE patient_latest
    ADD COLUMN weight_kg double precision,
    ADD COLUMN temperature_c double precision,
    ADD COLUMN spo2_pct double precision;

CREATE OR REPLACE FUNCTION look_up_latest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found reading;
BEGIN
    SELECT * INTO found FROM reading
    WHERE reading.patient_id = NEW.patient_id AND reading.time = NEW.time
      AND reading.kind = NEW.kind
    ORDER BY reading.device_id LIMIT 1;
    NEW.device_id := found.device_id;
    NEW.unit := found.unit;
    NEW.systolic_mmhg := found.systolic_mmhg;
    NEW.diastolic_mmhg := found.diastolic_mmhg;
    NEW.pulse_bpm := found.pulse_bpm;
    NEW.glucose_mmol_l := found.glucose_mmol_l;
    NEW.glucose_mg_dl := found.glucose_mg_dl;
    NEW.weight_kg := found.weight_kg;
    NEW.temperature_c := found.temperature_c;
    NEW.spo2_pct := found.spo2_pct;
    NEW.meal := found.meal;
    NEW.flags := found.flags;
    NEW.values_at := found.time;
    NEW.received_at := coalesce(found.received_at, NEW.received_at);
    RETURN NEW;
END $$;
