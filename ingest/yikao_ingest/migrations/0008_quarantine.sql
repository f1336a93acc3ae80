-- What lies in quarantine can be used after all once its cause is mended, or be put away for good.
-- The row stays, and says who did which, when and why.
ALTER TABLE quarantine
    -- Of a message that was refused as a whole: with them its signature can be looked at again.
    -- Null in rows from before this file: such a message has to be sent again.
    ADD COLUMN key_id text,
    ADD COLUMN signature text,
    -- The message that an item came in; in rows from before this file it stands in the ledger.
    ADD COLUMN message_id bigint,
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN closed_as text CHECK (closed_as IN ('released', 'discarded')),
    ADD COLUMN closed_by text,
    ADD COLUMN closed_because text,
    ADD CONSTRAINT quarantine_closed CHECK (
        num_nulls(closed_at, closed_as, closed_by) IN (0, 3)
        AND (closed_as IS DISTINCT FROM 'discarded' OR closed_because IS NOT NULL)
    );
CREATE INDEX quarantine_waiting ON quarantine (received_at, quarantine_id) WHERE closed_at IS NULL;

-- What still waits for somebody: neither put away, nor come again and taken since.
CREATE VIEW quarantine_open AS
SELECT q.quarantine_id, q.received_at, q.gateway_id, q.topic, q.reason, q.detail, q.payload,
       q.reading_id, q.patient_id, q.measured_at, q.key_id, q.signature, q.message_id
FROM quarantine q
WHERE q.closed_at IS NULL AND NOT EXISTS (
    SELECT FROM ingest_ledger l
    WHERE l.reading_id = q.reading_id AND l.outcome <> 'quarantined'
);

-- What came out of it, each with since when it could be used. It keeps the time at which it came; to
-- the rules it arrived only when it was released.
CREATE TABLE reading_released (
    patient_id integer NOT NULL REFERENCES resident,
    reading_id uuid NOT NULL,
    time timestamptz NOT NULL,
    -- Of the reading; `symptom` for a report of symptoms and for a call for help.
    kind text NOT NULL,
    device_id integer REFERENCES device,
    at timestamptz NOT NULL,
    PRIMARY KEY (patient_id, reading_id),
    CHECK ((kind = 'symptom') = (device_id IS NULL))
);
CREATE INDEX reading_released_time ON reading_released (patient_id, time);
