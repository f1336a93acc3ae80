-- Plain PostgreSQL: tables that the upkeep keeps current. Each change of readings, by whomever,
-- leaves a line that says whose day it touched; the upkeep takes lines and computes those days anew.
-- A line is added and never changed: it becomes visible together with its readings, so no reading
-- can come in between unseen. Days are those of Asia/Shanghai; hours are those of UTC, which are
-- hours of the clock there.
CREATE TABLE reading_hourly (
    patient_id integer NOT NULL,
    kind text NOT NULL,
    bucket timestamptz NOT NULL,
    readings bigint NOT NULL,
    -- Of each value: how many, in mmHg, 1/min, mmol/L; the mean is sum / number.
    pressures bigint NOT NULL,
    systolic_sum double precision,
    systolic_min double precision,
    systolic_max double precision,
    diastolic_sum double precision,
    diastolic_min double precision,
    diastolic_max double precision,
    pulses bigint NOT NULL,
    pulse_sum double precision,
    pulse_min double precision,
    pulse_max double precision,
    glucoses bigint NOT NULL,
    glucose_sum double precision,
    glucose_min double precision,
    glucose_max double precision,
    PRIMARY KEY (patient_id, bucket, kind)
);
CREATE TABLE reading_daily (LIKE reading_hourly, PRIMARY KEY (patient_id, bucket, kind));

CREATE TABLE rollup_touched (
    touch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id integer NOT NULL,
    day date NOT NULL
);

CREATE FUNCTION touch_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rollup_touched (patient_id, day)
    SELECT DISTINCT patient_id, (time AT TIME ZONE 'Asia/Shanghai')::date FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER reading_inserted AFTER INSERT ON reading
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION touch_rollups();
CREATE TRIGGER reading_deleted AFTER DELETE ON reading
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION touch_rollups();
CREATE TRIGGER reading_updated_from AFTER UPDATE ON reading
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION touch_rollups();
CREATE TRIGGER reading_updated_to AFTER UPDATE ON reading
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION touch_rollups();

-- The readings that are there already.
INSERT INTO rollup_touched (patient_id, day)
SELECT DISTINCT patient_id, (time AT TIME ZONE 'Asia/Shanghai')::date FROM reading;
