-- Paging that always reaches someone: who is on call, what was answered, what became of a page.
-- Every column that is new in an old table has a default: the version before this one goes on
-- working.

-- Answers.
-- An answered episode that is being measured again is "watching". Whoever takes one, or is handed
-- one, has until `reopens_at` to say what was done; a silence lasts until then.
ALTER TABLE episode DROP CONSTRAINT episode_state_check;
ALTER TABLE episode ADD CONSTRAINT episode_state_check CHECK (state IN (
    'suspected', 'open', 'answered', 'watching', 'resolved', 'dismissed', 'expired'
));
DROP INDEX episode_one_open;
CREATE UNIQUE INDEX episode_one_open ON episode (patient_id, family)
    WHERE state IN ('suspected', 'open', 'answered', 'watching');
ALTER TABLE episode ADD COLUMN reopens_at timestamptz;
ALTER TABLE episode ADD COLUMN handed_to text REFERENCES doctor;

-- Escalation.
-- Somebody of the family who agreed to be told, and of what: that a doctor was called, that nobody
-- measured.
CREATE TABLE caregiver (
    caregiver_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL REFERENCES resident,
    name text NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    language text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
    consent_at timestamptz NOT NULL,
    notices text[] NOT NULL CHECK (notices <@ ARRAY['red', 'unmeasured']),
    UNIQUE (patient_id, channel, address)
);
ALTER TABLE page
    -- A page is a doctor's, or tells the family.
    ADD COLUMN caregiver_id integer REFERENCES caregiver,
    ALTER COLUMN doctor_id DROP NOT NULL,
    -- Repetitions go on without end: at ten minutes a small number lasts for 227 days.
    ALTER COLUMN loop TYPE integer;

-- Who is on call.
CREATE TABLE centre (
    centre_id text PRIMARY KEY,
    name text NOT NULL,
    zone text NOT NULL,
    -- Called without end when nobody else answers.
    duty_desk_id text NOT NULL REFERENCES doctor,
    duty_rota_id text,
    -- What a page may say of whom it is about.
    page_privacy text NOT NULL DEFAULT 'none'
);

CREATE TABLE rota (
    rota_id text PRIMARY KEY,
    centre_id text NOT NULL REFERENCES centre,
    name text NOT NULL
);
ALTER TABLE centre ADD FOREIGN KEY (duty_rota_id) REFERENCES rota;

-- The first layer that applies at a time decides: members who take turns, or another rota.
CREATE TABLE rota_layer (
    rota_id text NOT NULL REFERENCES rota,
    position smallint NOT NULL,
    turns_rota_id text REFERENCES rota,
    start_day date,
    shift_days smallint CHECK (shift_days > 0),
    hand_over time,
    -- Of these days only, from and until a time on the wall clock; NULL for always.
    on_days text[],
    from_time time,
    until_time time,
    -- A temporary schedule: from this day, until the end of that one.
    first_day date,
    last_day date,
    PRIMARY KEY (rota_id, position),
    CHECK ((turns_rota_id IS NULL)
           = (start_day IS NOT NULL AND shift_days IS NOT NULL AND hand_over IS NOT NULL)),
    CHECK ((on_days IS NULL) = (from_time IS NULL) AND (on_days IS NULL) = (until_time IS NULL))
);

CREATE TABLE rota_member (
    rota_id text NOT NULL,
    layer smallint NOT NULL,
    position smallint NOT NULL,
    doctor_id text NOT NULL REFERENCES doctor,
    PRIMARY KEY (rota_id, layer, position),
    FOREIGN KEY (rota_id, layer) REFERENCES rota_layer ON DELETE CASCADE
);

-- What people said on top of a rota: dated, signed, withdrawn at most, never deleted.
CREATE TABLE rota_override (
    override_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rota_id text NOT NULL REFERENCES rota,
    kind text NOT NULL CHECK (kind IN ('replace', 'add', 'remove', 'hand_over')),
    -- Of a hand-over: who takes it.
    doctors text[] NOT NULL,
    giver_id text REFERENCES doctor,
    begins_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason text NOT NULL,
    said_at timestamptz NOT NULL,
    said_by text NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text,
    CHECK (begins_at < ends_at),
    CHECK ((kind = 'hand_over') = (giver_id IS NOT NULL))
);
CREATE INDEX rota_override_ends ON rota_override (ends_at) WHERE withdrawn_at IS NULL;

CREATE TABLE doctor_leave (
    leave_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    doctor_id text NOT NULL REFERENCES doctor,
    substitute_id text REFERENCES doctor,
    begins_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason text NOT NULL,
    said_at timestamptz NOT NULL,
    said_by text NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text,
    CHECK (begins_at < ends_at),
    CHECK (substitute_id <> doctor_id)
);
CREATE INDEX doctor_leave_ends ON doctor_leave (ends_at) WHERE withdrawn_at IS NULL;

-- Days that are not what their weekday says.
CREATE TABLE holiday (
    day date PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('offday', 'workday')),
    name text NOT NULL
);

-- Who is on call at a centre for a specialty that a rule asks for.
CREATE TABLE specialist (
    centre_id text NOT NULL REFERENCES centre,
    specialty text NOT NULL,
    rota_id text NOT NULL REFERENCES rota,
    PRIMARY KEY (centre_id, specialty)
);

ALTER TABLE team ADD COLUMN centre_id text REFERENCES centre;
ALTER TABLE team ADD COLUMN rota_id text REFERENCES rota;

-- Messages about the service itself: a test message to a contact, a hole in a rota. A test message
-- is confirmed by who opened its link there; it belongs to the address, not to the place of a
-- contact in the list, which the registry rewrites.
CREATE TABLE notice (
    notice_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('check', 'coverage')),
    doctor_id text NOT NULL REFERENCES doctor,
    position smallint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    language text NOT NULL,
    body text NOT NULL,
    link text NOT NULL,
    created_at timestamptz NOT NULL,
    -- NULL when nothing is left to do.
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    outcome text,
    sent_at timestamptz,
    confirmed_at timestamptz
);
CREATE INDEX notice_due ON notice (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notice_confirmed ON notice (doctor_id, channel, address, confirmed_at)
    WHERE confirmed_at IS NOT NULL;

-- Message providers.
-- What a provider told us once, like a button pressed on a card: told again, it does nothing. Kept
-- for ever, so that no old one can be sent again.
CREATE TABLE provider_event (
    event_id text PRIMARY KEY,
    page_id uuid REFERENCES page,
    received_at timestamptz NOT NULL
);

-- Telephones.
-- What came in by text message, also what could not be read: an answer that nobody understood is
-- looked for by a person. The number is the cloud's own, or made from what it told.
CREATE TABLE sms_reply (
    reply_id text PRIMARY KEY,
    address text NOT NULL,
    said text NOT NULL,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('taken', 'late', 'unknown', 'unreadable')),
    -- Which message was answered; its pages say whom it is about.
    message_id uuid
);
CREATE INDEX sms_reply_address ON sms_reply (address, received_at);

-- The outbox.
-- A page is due, then sent (a provider has it), then delivered where a provider tells; or it failed
-- for good, or an answer cancelled it, or it grew old while no pager ran and is held for a person.
ALTER TABLE page DROP CONSTRAINT page_state_check;
ALTER TABLE page ADD CONSTRAINT page_state_check CHECK (
    state IN ('due', 'sent', 'delivered', 'failed', 'cancelled', 'held')
);
ALTER TABLE page
    -- Of those who wait these go first.
    ADD COLUMN red boolean NOT NULL DEFAULT true,
    -- The message that the page went in, which may name several residents, and when that was made.
    ADD COLUMN message_id uuid,
    ADD COLUMN message_at timestamptz,
    -- Attempts of which nobody knows whether the provider took the page.
    ADD COLUMN unanswered smallint NOT NULL DEFAULT 0,
    ADD COLUMN delivered_at timestamptz,
    -- When its link was first opened, by whomever: programs open links too.
    ADD COLUMN read_at timestamptz,
    ADD COLUMN released_at timestamptz,
    ADD COLUMN released_by text,
    -- A page about the server itself is about nobody.
    ALTER COLUMN episode_id DROP NOT NULL;
UPDATE page p SET red = false FROM episode e
WHERE e.episode_id = p.episode_id AND e.severity <> 'page_now';
DROP INDEX page_due;
CREATE INDEX page_due ON page (red DESC, due_at) WHERE state = 'due';
CREATE INDEX page_to_address ON page (channel, address, message_at) WHERE message_at IS NOT NULL;
-- A page that goes alone is its own message, and found as such.
CREATE INDEX page_of_message ON page (message_id) WHERE message_id <> page_id;
-- Of the channels whose providers tell later what became of a page.
CREATE INDEX page_sent ON page (channel, sent_at)
    WHERE state = 'sent' AND channel IN ('sms', 'voice');

-- Watching the watcher.
-- A resident who does not exist: readings are sent in this name to prove that the path works. Never
-- shown among patients, never counted.
ALTER TABLE resident ADD COLUMN synthetic boolean NOT NULL DEFAULT false;
-- What a page says, apart from its wording: the same page is worded anew for another kind of
-- channel.
ALTER TABLE page ADD COLUMN facts jsonb;
-- Opens the same page as its link, in 12 characters: for a text message. 72 random bits.
ALTER TABLE page ADD COLUMN short text NOT NULL UNIQUE DEFAULT translate(
    encode(
        substr(uuid_send(gen_random_uuid()), 1, 6) || substr(uuid_send(gen_random_uuid()), 10, 3),
        'base64'
    ), '+/', '-_');
-- Left to the worklist: its doctor was called for enough today. Never a red one.
ALTER TABLE page ADD COLUMN deferred boolean NOT NULL DEFAULT false;
CREATE INDEX page_created ON page (created_at);

-- Calls for help.
-- Somebody at home asked to be called. One press of the button at a gateway may stand for each
-- resident of the home: nobody knows who pressed it until somebody calls.
CREATE TABLE help_call (
    reading_id uuid NOT NULL,
    patient_id integer NOT NULL REFERENCES resident,
    time timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (patient_id, reading_id)
);
CREATE INDEX help_call_time ON help_call (patient_id, time);

-- Where an ambulance has to go, and whom to ring; shown to whoever answers, behind the login.
ALTER TABLE resident ADD COLUMN address text;
ALTER TABLE resident ADD COLUMN phone text;
ALTER TABLE resident ADD COLUMN emergency_contact text;

-- The residents that exist; made last, so that it has every column.
CREATE VIEW patient AS SELECT * FROM resident WHERE NOT synthetic;
