-- What a decision rested on, so that it can be computed again; and the daily lane: days, trends,
-- the worklist, labels. Every column that is new in an old table may be left out: the version
-- before this one goes on working.

-- What the doctor set for a resident. Only added to, dated and signed: the newest that is valid
-- counts, and an old decision can be asked under which target it was made.
CREATE TABLE resident_profile (
    profile_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    valid_from timestamptz NOT NULL,
    groups text[] NOT NULL DEFAULT '{}',
    targets jsonb NOT NULL DEFAULT '{}',
    options text[] NOT NULL DEFAULT '{}',
    -- A doctor's id, or "registry".
    set_by text NOT NULL,
    note text NOT NULL DEFAULT ''
);
CREATE INDEX resident_profile_newest ON resident_profile (patient_id, valid_from, profile_id);

-- The text of every rule set that ever decided, by its digest: {file name: text}.
CREATE TABLE ruleset (
    digest text PRIMARY KEY,
    name text NOT NULL,
    texts jsonb NOT NULL,
    first_used_at timestamptz NOT NULL
);

-- The record: canonical bytes of all that the decision was given and of all that it said. Each
-- holds the hash of the one before it, so none can be changed or taken out unnoticed. A row without
-- a number is from before there were records; `inputs`, `findings` and `refusals` are for reading
-- along and hold only what something was found or refused about.
ALTER TABLE decision
    ADD COLUMN lane text NOT NULL DEFAULT 'acute' CHECK (lane IN ('acute', 'daily')),
    -- Decided by a rule set that is only tried out: nobody is told.
    ADD COLUMN shadow boolean NOT NULL DEFAULT false,
    -- Counts from 1 in each chain: a resident's, a lane's, shadow or not.
    ADD COLUMN seq integer,
    ADD COLUMN body bytea,
    ADD COLUMN prev_hash bytea,
    ADD COLUMN hash bytea,
    ADD CONSTRAINT decision_whole CHECK (
        num_nulls(seq, body, prev_hash, hash) IN (0, 4)
    ),
    ALTER COLUMN inputs SET DEFAULT '[]',
    ALTER COLUMN findings SET DEFAULT '[]',
    ALTER COLUMN refusals SET DEFAULT '[]',
    ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX decision_chain ON decision (patient_id, lane, shadow, seq);

-- How often the re-check at home has escalated it: so many steps of the chain are called at once.
ALTER TABLE episode ADD COLUMN tier smallint NOT NULL DEFAULT 0;

-- What a rule set on trial would have found; nobody is told.
CREATE TABLE shadow_finding (
    digest text NOT NULL REFERENCES ruleset,
    patient_id integer NOT NULL REFERENCES resident,
    rule_id text NOT NULL,
    trigger_key text NOT NULL,
    confirmed text NOT NULL,
    lane text NOT NULL,
    family text,
    severity text NOT NULL,
    found_at timestamptz NOT NULL,
    decision_id bigint NOT NULL REFERENCES decision,
    PRIMARY KEY (patient_id, digest, rule_id, trigger_key, confirmed)
);

-- How far the days of a resident are closed, and the oldest reading that came after its day was.
CREATE TABLE daily_progress (
    patient_id integer PRIMARY KEY REFERENCES resident,
    -- The last day that is made of readings, and the last that rules have looked at.
    days_through date NOT NULL DEFAULT '1970-01-01',
    through_day date NOT NULL,
    closed_until timestamptz NOT NULL,
    touched_at timestamptz
);
CREATE INDEX daily_progress_due ON daily_progress (closed_until);
CREATE INDEX daily_progress_touched ON daily_progress (touched_at) WHERE touched_at IS NOT NULL;

-- What is usual for a resident, as of the last day that closed: which devices since when, which
-- unit, and how the own pressures lie. The acute lane compares with it, and looks no further back.
CREATE TABLE resident_habit (
    patient_id integer PRIMARY KEY REFERENCES resident,
    through_day date NOT NULL,
    -- {address: [kind, first day]}
    devices jsonb NOT NULL,
    -- {kind: unit}
    unit_habit jsonb NOT NULL,
    -- Of systolic, diastolic, pulse: {"n", "mean", "covariance"}; null for too few readings.
    profile jsonb
);

-- The closed days with a pressure: what the panel's season and the charts are made of.
CREATE TABLE resident_day (
    patient_id integer NOT NULL REFERENCES resident,
    day date NOT NULL,
    morning_readings smallint NOT NULL,
    evening_readings smallint NOT NULL,
    -- Mean of the sessions' means, mmHg.
    morning_systolic double precision,
    morning_diastolic double precision,
    evening_systolic double precision,
    evening_diastolic double precision,
    -- The day's systolic value on the evening scale, mmHg, season still in it.
    value double precision,
    PRIMARY KEY (patient_id, day)
);

-- Where trends and levels stood after some days, to begin again from when a late reading comes; and
-- where the label stands.
CREATE TABLE trend_state (
    patient_id integer NOT NULL REFERENCES resident,
    signal text NOT NULL,
    through_day date NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (patient_id, signal, through_day)
);

-- What the season does to everybody, frozen when the day closed: never changed afterwards.
CREATE TABLE season_index (
    panel text NOT NULL,
    day date NOT NULL,
    residents integer NOT NULL,
    -- Null where too few residents measured: that day has no index, and never gets one.
    median double precision,
    g double precision,
    PRIMARY KEY (panel, day)
);

-- What the doctor has to look at this week. Opened and closed by the daily lane, done and put off
-- by people.
CREATE TABLE worklist_entry (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    rule_id text NOT NULL,
    severity text NOT NULL,
    opened_day date NOT NULL,
    opened_at timestamptz NOT NULL,
    evidence jsonb NOT NULL,
    decision_id bigint REFERENCES decision DEFERRABLE INITIALLY DEFERRED,
    -- The day on which the condition ended, whether or not a person had closed the entry before:
    -- until then it opens no other.
    ended_day date,
    closed_at timestamptz,
    -- ended (the condition no longer holds), done (by a person)
    closed_why text CHECK (closed_why IN ('ended', 'done')),
    done_by text REFERENCES doctor,
    -- Put off by a person until then, with the reason.
    snoozed_until timestamptz,
    snoozed_at timestamptz,
    snoozed_by text REFERENCES doctor,
    snooze_reason text,
    CHECK ((closed_at IS NULL) = (closed_why IS NULL))
);
CREATE UNIQUE INDEX worklist_one_open ON worklist_entry (patient_id, rule_id)
    WHERE closed_at IS NULL;
CREATE INDEX worklist_patient ON worklist_entry (patient_id, opened_at);

-- How a resident stands, each time it changed.
CREATE TABLE label (
    patient_id integer NOT NULL REFERENCES resident,
    at timestamptz NOT NULL,
    label text NOT NULL,
    reasons jsonb NOT NULL,
    -- Of the rules that gave it.
    version text NOT NULL,
    PRIMARY KEY (patient_id, at)
);

-- A person's word on the label, for a time; only added to, the newest counts.
CREATE TABLE label_override (
    override_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    label text NOT NULL,
    reason text NOT NULL,
    set_by text NOT NULL REFERENCES doctor,
    set_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX label_override_patient ON label_override (patient_id, set_at);

-- "Is this your own reading?" Until it is answered the reading stays out of means and trends.
CREATE TABLE reading_doubt (
    patient_id integer NOT NULL REFERENCES resident,
    reading_key text NOT NULL,
    measured_at timestamptz NOT NULL,
    asked_at timestamptz NOT NULL,
    answer text CHECK (answer IN ('own', 'other')),
    answered_at timestamptz,
    answered_by text,
    PRIMARY KEY (patient_id, reading_key)
);
