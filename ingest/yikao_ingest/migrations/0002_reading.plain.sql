-- Plain PostgreSQL: monthly partitions, made on demand before their first row. No default
-- partition: rows in it would block the later creation of their month.
CREATE TABLE reading (
    LIKE reading_columns,
    PRIMARY KEY (patient_id, time, device_id, kind)
) PARTITION BY RANGE (time);
DROP TABLE reading_columns;
