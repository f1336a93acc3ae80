-- What the last visit found of a device's clock: when, in Unix seconds, how far ahead of UTC (null:
-- not readable), whether it was set then, and whether every record was read.
ALTER TABLE device ADD COLUMN clock_at REAL;
ALTER TABLE device ADD COLUMN clock_ahead_s REAL;
ALTER TABLE device ADD COLUMN clock_over INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN clock_drained INTEGER NOT NULL DEFAULT 0;
