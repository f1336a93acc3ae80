-- The newest reading of each kind stands beside its time: a team's latest values are read from one
-- small table, however many readings there are. Of several devices at that time: the lowest number.
ALTER TABLE patient_latest
    ADD device_id integer,
    ADD unit text,
    ADD systolic_mmhg double precision,
    ADD diastolic_mmhg double precision,
    ADD pulse_bpm double precision,
    ADD glucose_mmol_l double precision,
    ADD glucose_mg_dl double precision,
    ADD meal text,
    ADD flags text[],
    -- The time of the reading whose values these are; NULL: no reading of that time is stored.
    ADD values_at timestamptz;

-- Who changes the time and not the values, as older programs do, has them looked up.
CREATE FUNCTION look_up_latest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found reading;
BEGIN
    SELECT * INTO found FROM reading
    WHERE reading.patient_id = NEW.patient_id AND reading.time = NEW.time
      AND reading.kind = NEW.kind
    ORDER BY reading.device_id LIMIT 1;
    NEW.device_id := found.device_id;
    NEW.unit := found.unit;
    NEW.systolic_mmhg := found.systolic_mmhg;
    NEW.diastolic_mmhg := found.diastolic_mmhg;
    NEW.pulse_bpm := found.pulse_bpm;
    NEW.glucose_mmol_l := found.glucose_mmol_l;
    NEW.glucose_mg_dl := found.glucose_mg_dl;
    NEW.meal := found.meal;
    NEW.flags := found.flags;
    NEW.values_at := found.time;
    NEW.received_at := coalesce(found.received_at, NEW.received_at);
    RETURN NEW;
END $$;
CREATE TRIGGER patient_latest_inserted BEFORE INSERT ON patient_latest
    FOR EACH ROW WHEN (NEW.values_at IS DISTINCT FROM NEW.time)
    EXECUTE FUNCTION look_up_latest();
CREATE TRIGGER patient_latest_updated BEFORE UPDATE ON patient_latest
    FOR EACH ROW WHEN (
        NEW.values_at IS DISTINCT FROM NEW.time OR NEW.values_at IS NOT DISTINCT FROM OLD.values_at)
    EXECUTE FUNCTION look_up_latest();

-- The rows that are there already.
UPDATE patient_latest SET time = time;
