-- TimescaleDB: a hypertable with chunks of 30 days, compressed by resident after 60 days.
CREATE TABLE reading (
    LIKE reading_columns,
    PRIMARY KEY (patient_id, time, device_id, kind)
);
DROP TABLE reading_columns;
SELECT create_hypertable('reading', by_range('time', INTERVAL '30 days'));
ALTER TABLE reading SET (
    timescaledb.enable_columnstore,
    timescaledb.segmentby = 'patient_id',
    timescaledb.orderby = 'time DESC, device_id, kind'
);
CALL add_columnstore_policy('reading', after => INTERVAL '60 days');
