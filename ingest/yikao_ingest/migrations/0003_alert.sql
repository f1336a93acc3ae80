-- From a decision to a person who answers.

-- The record of each evaluation: what was looked at, what was found, what was refused and why.
CREATE TABLE decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    decided_at timestamptz NOT NULL,
    ruleset_digest text NOT NULL,
    code_version text NOT NULL,
    inputs jsonb NOT NULL,
    findings jsonb NOT NULL,
    refusals jsonb NOT NULL
);
CREATE INDEX decision_patient ON decision (patient_id, decided_at);

CREATE TABLE episode (
    episode_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    family text NOT NULL,
    state text NOT NULL CHECK (
        state IN ('suspected', 'open', 'answered', 'resolved', 'dismissed', 'expired')
    ),
    rule_id text NOT NULL,
    severity text NOT NULL,
    level smallint NOT NULL,
    confirmed text NOT NULL,
    -- Of the reading that began it.
    measured_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    -- Since when it has its present level: escalation counts from here.
    level_since timestamptz NOT NULL,
    -- Raised by one whenever a worse level asks for pages anew.
    round smallint NOT NULL DEFAULT 0,
    last_evidence_at timestamptz NOT NULL,
    normal_rounds smallint NOT NULL DEFAULT 0,
    answered_by text,
    answered_at timestamptz,
    disposition text,
    closed_at timestamptz
);
CREATE UNIQUE INDEX episode_one_open ON episode (patient_id, family)
    WHERE state IN ('suspected', 'open', 'answered');
CREATE INDEX episode_patient ON episode (patient_id, opened_at);

-- What the episode rests on: a finding enters once, however often it is computed.
CREATE TABLE finding (
    patient_id integer NOT NULL REFERENCES resident,
    rule_id text NOT NULL,
    trigger_key text NOT NULL,
    confirmed text NOT NULL,
    episode_id bigint REFERENCES episode,
    found_at timestamptz NOT NULL,
    decision_id bigint NOT NULL REFERENCES decision,
    evidence jsonb NOT NULL,
    PRIMARY KEY (patient_id, rule_id, trigger_key, confirmed)
);
CREATE INDEX finding_episode ON finding (episode_id);

-- The story of an episode, never changed, only added to.
CREATE TABLE episode_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    episode_id bigint NOT NULL REFERENCES episode,
    at timestamptz NOT NULL,
    event text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    actor text,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX episode_event_episode ON episode_event (episode_id, event_id);

-- The pager's outbox. A row is due, then sent, or refused with a reason; never deleted.
CREATE TABLE page (
    page_id uuid PRIMARY KEY,
    episode_id bigint NOT NULL REFERENCES episode,
    round smallint NOT NULL,
    step smallint NOT NULL,
    loop smallint NOT NULL,
    doctor_id text NOT NULL REFERENCES doctor,
    contact_position smallint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    language text NOT NULL,
    body text NOT NULL,
    link text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'failed', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_pid integer,
    lease_backend_start timestamptz,
    sent_at timestamptz,
    provider_id text,
    UNIQUE (episode_id, round, step, loop, doctor_id, contact_position)
);
CREATE INDEX page_due ON page (due_at) WHERE state = 'due';

CREATE TABLE page_attempt (
    attempt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id uuid NOT NULL REFERENCES page,
    at timestamptz NOT NULL,
    outcome text NOT NULL,
    detail text NOT NULL
);
CREATE INDEX page_attempt_page ON page_attempt (page_id);

-- What is to be shown or spoken at home.
CREATE TABLE command (
    command_id uuid PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    gateway_id text NOT NULL REFERENCES gateway,
    device text NOT NULL,
    do_what text NOT NULL,
    text_zh text NOT NULL,
    text_en text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    sent_at timestamptz,
    outcome text
);
CREATE INDEX command_unsent ON command (created_at) WHERE sent_at IS NULL;
