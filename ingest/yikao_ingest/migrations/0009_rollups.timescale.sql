-- TimescaleDB: continuous aggregates. What has just come is added when they are asked; what comes late
-- is seen after the next refresh, which looks at every time that was touched, however long ago (no
-- start offset). Days are those of Asia/Shanghai; hours are those of UTC, which are hours of the
-- clock there. Per value: how many, in mmHg, 1/min, mmol/L (18.0182 mg/dL); the mean is sum / number.
CREATE MATERIALIZED VIEW reading_daily WITH (
    timescaledb.continuous,
    timescaledb.materialized_only = false,
    timescaledb.create_group_indexes = false,
    timescaledb.chunk_interval = '90 days'
) AS
SELECT
    patient_id, kind, time_bucket(INTERVAL '1 day', time, 'Asia/Shanghai') AS bucket, count(*) AS readings,
    count(systolic_mmhg) AS pressures, sum(systolic_mmhg) AS systolic_sum,
    min(systolic_mmhg) AS systolic_min, max(systolic_mmhg) AS systolic_max,
    sum(diastolic_mmhg) AS diastolic_sum, min(diastolic_mmhg) AS diastolic_min,
    max(diastolic_mmhg) AS diastolic_max,
    count(pulse_bpm) AS pulses, sum(pulse_bpm) AS pulse_sum, min(pulse_bpm) AS pulse_min,
    max(pulse_bpm) AS pulse_max,
    count(coalesce(glucose_mmol_l, glucose_mg_dl)) AS glucoses,
    sum(coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182)) AS glucose_sum,
    min(coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182)) AS glucose_min,
    max(coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182)) AS glucose_max
FROM reading GROUP BY 1, 2, 3 WITH NO DATA;
CREATE INDEX reading_daily_patient ON reading_daily (patient_id, bucket);
ALTER MATERIALIZED VIEW reading_daily SET (
    timescaledb.enable_columnstore,
    timescaledb.segmentby = 'patient_id',
    timescaledb.orderby = 'bucket DESC, kind'
);
SELECT add_continuous_aggregate_policy(
    'reading_daily', start_offset => NULL, end_offset => INTERVAL '1 hour',
    schedule_interval => INTERVAL '10 minutes'
);
CALL add_columnstore_policy('reading_daily', after => INTERVAL '90 days');
CREATE MATERIALIZED VIEW reading_hourly WITH (
    timescaledb.continuous,
    timescaledb.materialized_only = false,
    timescaledb.create_group_indexes = false,
    timescaledb.chunk_interval = '90 days'
) AS
SELECT
    patient_id, kind, time_bucket(INTERVAL '1 hour', time) AS bucket, count(*) AS readings,
    count(systolic_mmhg) AS pressures, sum(systolic_mmhg) AS systolic_sum,
    min(systolic_mmhg) AS systolic_min, max(systolic_mmhg) AS systolic_max,
    sum(diastolic_mmhg) AS diastolic_sum, min(diastolic_mmhg) AS diastolic_min,
    max(diastolic_mmhg) AS diastolic_max,
    count(pulse_bpm) AS pulses, sum(pulse_bpm) AS pulse_sum, min(pulse_bpm) AS pulse_min,
    max(pulse_bpm) AS pulse_max,
    count(coalesce(glucose_mmol_l, glucose_mg_dl)) AS glucoses,
    sum(coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182)) AS glucose_sum,
    min(coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182)) AS glucose_min,
    max(coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182)) AS glucose_max
FROM reading GROUP BY 1, 2, 3 WITH NO DATA;
CREATE INDEX reading_hourly_patient ON reading_hourly (patient_id, bucket);
ALTER MATERIALIZED VIEW reading_hourly SET (
    timescaledb.enable_columnstore,
    timescaledb.segmentby = 'patient_id',
    timescaledb.orderby = 'bucket DESC, kind'
);
SELECT add_continuous_aggregate_policy(
    'reading_hourly', start_offset => NULL, end_offset => INTERVAL '1 hour',
    schedule_interval => INTERVAL '10 minutes'
);
CALL add_columnstore_policy('reading_hourly', after => INTERVAL '90 days');
