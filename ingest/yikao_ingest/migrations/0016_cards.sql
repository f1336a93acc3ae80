-- Stations: cuffs that many use, each holding his card before the reader (ADR 25). A card is known by
-- the digest of its number. None is ever deleted: one that the registry no longer names is never valid.
ALTER TABLE device ADD COLUMN station boolean NOT NULL DEFAULT false;

CREATE TABLE card (
    digest text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    patient_id integer NOT NULL REFERENCES resident,
    valid tstzrange NOT NULL
);
CREATE INDEX card_patient ON card (patient_id);

-- With whom a device's readings can be: who was ever named for it, and at a station who has a card.
CREATE VIEW device_user AS
SELECT device_id, patient_id FROM device_holder
UNION
SELECT d.device_id, c.patient_id FROM device d CROSS JOIN card c WHERE d.station;
