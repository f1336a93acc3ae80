-- Readings that no gateway of ours brought: from another app's file, or typed by a person. They
-- stand apart from `reading`: no rule looks at them, no mean or trend counts them, and exports name
-- their source.
CREATE TABLE imported_reading (
    -- Made of the resident, the time and the values: the same reading enters once, from whichever
    -- file.
    reading_id uuid PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    time timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('blood_pressure', 'glucose')),
    source text NOT NULL CHECK (source IN ('manual', 'imported')),
    -- As in `reading`: always in mmHg and mmol/L, and in kPa or mg/dL where `unit` says so.
    systolic_mmhg double precision,
    diastolic_mmhg double precision,
    mean_mmhg double precision,
    pulse_bpm double precision,
    systolic_kpa double precision,
    diastolic_kpa double precision,
    mean_kpa double precision,
    glucose_mmol_l double precision,
    glucose_mg_dl double precision,
    unit text NOT NULL,
    meal text,
    flags text[] NOT NULL,
    -- What the file calls the device; none of ours.
    device text,
    -- SHA-256 of the file's name, which may be a person's, and of what was in it.
    file_name_sha256 bytea NOT NULL,
    file_sha256 bytea NOT NULL,
    file_line integer NOT NULL,
    imported_by text NOT NULL,
    imported_at timestamptz NOT NULL
);
CREATE INDEX imported_reading_patient ON imported_reading (patient_id, time);
