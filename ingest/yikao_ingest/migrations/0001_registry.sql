-- Who is who: teams, doctors and how to reach them, residents, gateways, devices, and which device
-- belonged to whom and when. Written by `yikao registry apply`.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE team (
    team_id text PRIMARY KEY,
    name text NOT NULL,
    zone text NOT NULL
);

CREATE TABLE doctor (
    doctor_id text PRIMARY KEY,
    team_id text NOT NULL REFERENCES team,
    name text NOT NULL,
    language text NOT NULL CHECK (language IN ('zh', 'en'))
);

-- The doctor who is paged when a resident's own doctor does not answer.
ALTER TABLE team ADD COLUMN duty_doctor_id text REFERENCES doctor;

CREATE TABLE contact (
    doctor_id text NOT NULL REFERENCES doctor,
    position smallint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    PRIMARY KEY (doctor_id, position)
);

CREATE TABLE resident (
    patient_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text NOT NULL,
    birth_year smallint,
    sex text CHECK (sex IN ('f', 'm')),
    team_id text NOT NULL REFERENCES team,
    doctor_id text NOT NULL REFERENCES doctor
);

CREATE TABLE gateway (
    gateway_id text PRIMARY KEY,
    tenant text NOT NULL,
    -- Raw Ed25519 public key, base64url.
    public_key text NOT NULL,
    -- What it last said of itself.
    boot bigint,
    online boolean,
    seen_at timestamptz,
    waiting integer,
    version text
);

CREATE TABLE device (
    device_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text NOT NULL UNIQUE,
    model text,
    gateway_id text NOT NULL REFERENCES gateway
);

CREATE TABLE device_binding (
    device_id integer NOT NULL REFERENCES device,
    -- -1 stands for "whoever uses it"; a cuff with several users has a binding for each.
    user_slot smallint NOT NULL DEFAULT -1,
    patient_id integer NOT NULL REFERENCES resident,
    valid tstzrange NOT NULL,
    EXCLUDE USING gist (device_id WITH =, user_slot WITH =, valid WITH &&)
);
CREATE INDEX device_binding_patient ON device_binding (patient_id);
