-- What was measured. The natural key comes first and holds the time, as TimescaleDB needs; random
-- ids live in the ledger only, where they are small and can be pruned.
-- The columns of a reading; the table itself is made by the file for the kind of database.
CREATE TABLE reading_columns (
    patient_id integer NOT NULL,
    time timestamptz NOT NULL,
    device_id integer NOT NULL,
    kind text NOT NULL,
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
    record integer,
    user_slot smallint,
    flags text[] NOT NULL,
    doubt_s double precision NOT NULL,
    device_time text,
    device_offset_s double precision,
    hub_time timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);

CREATE TABLE ingest_message (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    gateway_id text NOT NULL,
    payload bytea NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL
);

CREATE TABLE ingest_ledger (
    reading_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL,
    message_id bigint,
    -- stored, duplicate, conflict, quarantined, event, symptom
    outcome text NOT NULL
);

CREATE TABLE reading_conflict (
    reading_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL,
    patient_id integer NOT NULL,
    time timestamptz NOT NULL,
    device_id integer NOT NULL,
    kind text NOT NULL,
    stored jsonb NOT NULL,
    arrived jsonb NOT NULL
);

CREATE TABLE quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    gateway_id text,
    topic text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    payload bytea NOT NULL,
    reading_id uuid,
    -- Known where the item itself could be read: rules look at implausible values too.
    patient_id integer,
    measured_at timestamptz
);
CREATE INDEX quarantine_patient ON quarantine (patient_id, received_at) WHERE patient_id IS NOT NULL;
CREATE INDEX quarantine_received ON quarantine (received_at);

CREATE TABLE symptom_report (
    reading_id uuid PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    time timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    symptoms text[] NOT NULL
);
CREATE INDEX symptom_report_patient ON symptom_report (patient_id, time);

CREATE TABLE device_event (
    reading_id uuid PRIMARY KEY,
    gateway_id text NOT NULL,
    device text NOT NULL,
    code text NOT NULL,
    time timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX device_event_received ON device_event (received_at);

CREATE TABLE patient_latest (
    patient_id integer NOT NULL REFERENCES resident,
    kind text NOT NULL,
    time timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (patient_id, kind)
);

-- Work for the evaluator: a resident with something new. One reading, one row; taken and deleted
-- in the transaction that stores the decision.
CREATE TABLE eval_queue (
    eval_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL,
    queued_at timestamptz NOT NULL
);
CREATE INDEX eval_queue_patient ON eval_queue (patient_id);

-- And for when nothing comes: look at this resident again at that time.
CREATE TABLE eval_timer (
    patient_id integer PRIMARY KEY,
    due_at timestamptz NOT NULL
);
CREATE INDEX eval_timer_due ON eval_timer (due_at);
