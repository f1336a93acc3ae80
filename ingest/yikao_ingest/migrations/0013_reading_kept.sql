-- Readings are kept leaner than they are asked for: `reading_kept` is the table, `reading` shows it.
-- The times beside the one of the measurement are kept as what lies between, and the device's own
-- words for it are not kept where they follow from how far its clock was ahead: random microseconds
-- cost eight bytes each however they are compressed. What was kept before stays as it is.
ALTER TABLE reading RENAME TO reading_kept;
ALTER TABLE reading_kept
    -- From the measurement to when the gateway had it, and to when it came here, in ms.
    ADD COLUMN hub_after_ms bigint,
    ADD COLUMN received_after_ms bigint,
    -- By how much the device's clock, taken as UTC, was ahead of the time of the measurement, to the
    -- second, which is how it shows time; and the part of it that is its zone, the rest is its fault.
    ADD COLUMN device_ahead_s integer,
    ADD COLUMN device_zone_s integer,
    ALTER COLUMN hub_time DROP NOT NULL,
    ALTER COLUMN received_at DROP NOT NULL;

-- Return the moment so many ms after another, or before it.
CREATE FUNCTION moment_after(since timestamptz, ms bigint) RETURNS timestamptz LANGUAGE sql STABLE
RETURN since + ms * interval '1 millisecond';

-- Return what a device's clock showed, which was a whole second.
CREATE FUNCTION device_clock(measured timestamptz, ahead_s integer) RETURNS timestamp
LANGUAGE sql STABLE
RETURN date_trunc(
    'second', measured AT TIME ZONE 'UTC' + ahead_s * interval '1 second' + interval '0.5 seconds'
);

-- Return it in its words: 2026-11-22T07:30:00.
CREATE FUNCTION device_words(measured timestamptz, ahead_s integer) RETURNS text LANGUAGE sql STABLE
RETURN to_char(device_clock(measured, ahead_s), 'YYYY-MM-DD"T"HH24:MI:SS');

-- Return by how much it was wrong, in seconds.
CREATE FUNCTION device_offset(measured timestamptz, ahead_s integer, zone_s integer)
RETURNS double precision LANGUAGE sql STABLE
RETURN extract(epoch FROM device_clock(measured, ahead_s) - measured AT TIME ZONE 'UTC') - zone_s;

CREATE VIEW reading AS
SELECT patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg, mean_mmhg, pulse_bpm,
    systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l, glucose_mg_dl, unit, meal, record,
    user_slot, flags, doubt_s,
    coalesce(device_time, device_words(time, device_ahead_s)) AS device_time,
    coalesce(device_offset_s, device_offset(time, device_ahead_s, device_zone_s))
        AS device_offset_s,
    coalesce(hub_time, moment_after(time, hub_after_ms)) AS hub_time,
    coalesce(received_at, moment_after(time, received_after_ms)) AS received_at
FROM reading_kept;

-- Who names the columns of the view stores the times as they are: programs of before, and corrections.
CREATE FUNCTION keep_reading() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reading_kept VALUES (NEW.*);
    RETURN NEW;
END $$;
CREATE TRIGGER reading_insert INSTEAD OF INSERT ON reading
    FOR EACH ROW EXECUTE FUNCTION keep_reading();
