-- Days and hours summed up, and the work of a database that is done without anybody asking for it.
-- `reading_daily` and `reading_hourly` are made by the file for the kind of database, with the same
-- names and columns: for charts and lists. Alerts and trends are made of readings alone.

-- What the upkeep did last, and what is amiss: for `yikao check` and the figures.
CREATE TABLE upkeep_task (
    name text PRIMARY KEY,
    began_at timestamptz NOT NULL,
    -- When it last ended well.
    done_at timestamptz,
    -- NULL: all is well.
    failing_since timestamptz,
    -- What fails, in words without values.
    detail text NOT NULL DEFAULT ''
);

-- Lists of a team begin with its residents.
CREATE INDEX resident_team ON resident (team_id);

-- The duty desk hears of upkeep that fails.
ALTER TABLE notice DROP CONSTRAINT notice_kind_check;
ALTER TABLE notice ADD CONSTRAINT notice_kind_check CHECK (kind IN ('check', 'coverage', 'upkeep'));
