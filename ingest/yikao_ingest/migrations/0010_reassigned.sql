-- Whose a device was is sometimes written down wrongly, and corrected. What it measured is then
-- moved to the right resident; here stands what is to be looked at, and what was moved.

-- Which registry was applied when, and by whom. Only added to.
CREATE TABLE registry_change (
    version text PRIMARY KEY,
    applied_at timestamptz NOT NULL,
    applied_by text NOT NULL
);

-- Everybody whom any registry ever named for a device: with nobody else can its readings be.
CREATE TABLE device_holder (
    device_id integer NOT NULL REFERENCES device,
    patient_id integer NOT NULL REFERENCES resident,
    PRIMARY KEY (device_id, patient_id)
);
INSERT INTO device_holder SELECT DISTINCT device_id, patient_id FROM device_binding;

-- Devices whose readings are to be looked at, since a registry says otherwise of some time.
CREATE TABLE reassign_due (
    device_id integer PRIMARY KEY REFERENCES device,
    version text NOT NULL REFERENCES registry_change,
    disputed tstzrange NOT NULL,
    -- Up to which time all is where it belongs; whoever is killed is followed from there.
    reached timestamptz,
    due_at timestamptz NOT NULL
);
CREATE INDEX reassign_due_at ON reassign_due (due_at);

-- The audit: one row for each reading and each move. Only added to.
CREATE TABLE reading_reassigned (
    reassigned_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL REFERENCES registry_change,
    at timestamptz NOT NULL,
    -- The same where a reading only gave way to an older one of the same moment, or took its place.
    from_patient_id integer NOT NULL REFERENCES resident,
    to_patient_id integer NOT NULL REFERENCES resident,
    time timestamptz NOT NULL,
    device_id integer NOT NULL REFERENCES device,
    -- Of the reading; `symptom` for a report of symptoms.
    kind text NOT NULL,
    user_slot smallint,
    received_at timestamptz NOT NULL,
    -- Of a report, and of a reading that was or became a conflict.
    reading_id uuid,
    -- A conflict was kept beside an older record of that moment; a repetition was the same as one.
    outcome text NOT NULL CHECK (outcome IN ('stored', 'conflict', 'repetition', 'symptom'))
);
CREATE INDEX reading_reassigned_from ON reading_reassigned (from_patient_id, time);
CREATE INDEX reading_reassigned_to ON reading_reassigned (to_patient_id, time);

CREATE INDEX reading_conflict_device ON reading_conflict (device_id, time);
