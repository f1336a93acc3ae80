-- The work of a database that is done without anybody asking for it. Statements of `upkeep/`.

-- name: read_clock
-- Of the database itself, by which its background jobs go; never the story's.
SELECT clock_timestamp()

-- name: mode
SELECT value FROM schema_meta WHERE key = 'mode'

-- name: take_lock
SELECT pg_try_advisory_lock(%(key)s)

-- name: lock_timeout
SELECT set_config('lock_timeout', %(timeout)s, true)

-- Tasks.

-- name: last_begun
SELECT name, began_at FROM upkeep_task

-- name: task_done
INSERT INTO upkeep_task (name, began_at, done_at) VALUES (%(name)s, %(now)s, %(now)s)
ON CONFLICT (name) DO UPDATE
SET began_at = EXCLUDED.began_at, done_at = EXCLUDED.done_at, failing_since = NULL, detail = ''

-- name: task_failed
INSERT INTO upkeep_task (name, began_at, failing_since, detail)
VALUES (%(name)s, %(now)s, %(now)s, %(detail)s)
ON CONFLICT (name) DO UPDATE
SET began_at = EXCLUDED.began_at, detail = EXCLUDED.detail,
    failing_since = coalesce(upkeep_task.failing_since, EXCLUDED.failing_since)

-- name: tasks
SELECT name, began_at, failing_since, detail FROM upkeep_task ORDER BY name

-- name: jobs_well
-- What was ill and is not any more, or is gone.
UPDATE upkeep_task SET failing_since = NULL, detail = ''
WHERE starts_with(name, %(prefix)s) AND name <> ALL(%(ill)s) AND failing_since IS NOT NULL

-- Months.

-- name: partitions
SELECT c.relname FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'reading_kept'::regclass

-- Roll-ups of plain PostgreSQL.

-- name: take_touched
-- Each with its day's first moment, and the first after it.
DELETE FROM rollup_touched
WHERE touch_id IN (SELECT touch_id FROM rollup_touched ORDER BY touch_id LIMIT %(most)s)
RETURNING patient_id, day::timestamp AT TIME ZONE 'Asia/Shanghai',
    (day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'

-- name: clear_hours
DELETE FROM reading_hourly h
USING unnest(%(patients)s::integer[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS d (patient_id, begins, ends)
WHERE h.patient_id = d.patient_id AND h.bucket >= d.begins AND h.bucket < d.ends

-- name: clear_days
DELETE FROM reading_daily r
USING unnest(%(patients)s::integer[], %(begins)s::timestamptz[]) AS d (patient_id, begins)
WHERE r.patient_id = d.patient_id AND r.bucket = d.begins

-- name: make_hours
INSERT INTO reading_hourly
SELECT d.patient_id, r.kind, date_trunc('hour', r.time, 'UTC'), count(*),
    count(systolic_mmhg), sum(systolic_mmhg), min(systolic_mmhg), max(systolic_mmhg),
    sum(diastolic_mmhg), min(diastolic_mmhg), max(diastolic_mmhg),
    count(pulse_bpm), sum(pulse_bpm), min(pulse_bpm), max(pulse_bpm),
    count(glucose), sum(glucose), min(glucose), max(glucose)
FROM unnest(%(patients)s::integer[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS d (patient_id, begins, ends)
CROSS JOIN LATERAL (
    SELECT *, coalesce(glucose_mmol_l, glucose_mg_dl / 18.0182) AS glucose FROM reading
    WHERE reading.patient_id = d.patient_id AND reading.time >= d.begins
      AND reading.time < d.ends
    OFFSET 0
) AS r
GROUP BY d.patient_id, r.kind, date_trunc('hour', r.time, 'UTC')

-- name: make_days
INSERT INTO reading_daily
SELECT d.patient_id, h.kind, d.begins, sum(readings),
    sum(pressures), sum(systolic_sum), min(systolic_min), max(systolic_max),
    sum(diastolic_sum), min(diastolic_min), max(diastolic_max),
    sum(pulses), sum(pulse_sum), min(pulse_min), max(pulse_max),
    sum(glucoses), sum(glucose_sum), min(glucose_min), max(glucose_max)
FROM unnest(%(patients)s::integer[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS d (patient_id, begins, ends)
JOIN reading_hourly h
    ON h.patient_id = d.patient_id AND h.bucket >= d.begins AND h.bucket < d.ends
GROUP BY d.patient_id, h.kind, d.begins

-- Background jobs of TimescaleDB. Those below 1000 are its own housekeeping, and what somebody
-- paused stays paused. A job that never ended well has "-infinity", which no datetime can be.

-- name: jobs
SELECT j.job_id,
    replace(j.proc_name, 'policy_', '') || coalesce(' ' || j.hypertable_name, ''),
    j.schedule_interval,
    s.job_status = 'Running' AS running,
    s.last_run_status = 'Failed' AS failed,
    nullif(s.last_run_started_at, '-infinity'),
    nullif(nullif(s.next_start, '-infinity'), 'infinity')
FROM timescaledb_information.jobs j
LEFT JOIN timescaledb_information.job_stats s USING (job_id)
WHERE j.job_id >= 1000 AND j.scheduled
ORDER BY j.job_id

-- name: refresh_jobs
SELECT job_id FROM timescaledb_information.jobs
WHERE proc_name = 'policy_refresh_continuous_aggregate' ORDER BY job_id

-- name: run_job
CALL run_job(%(job_id)s)

-- Packs of compressed readings.

-- name: forget_packed
DELETE FROM upkeep_packed WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = chunk)

-- name: grown
SELECT chunk::text, range_end FROM timescaledb_information.chunks c
CROSS JOIN LATERAL to_regclass(quote_ident(chunk_schema) || '.' || quote_ident(chunk_name)) AS chunk
LEFT JOIN upkeep_packed p USING (chunk)
WHERE c.hypertable_name = 'reading_kept' AND c.is_compressed
  AND p.until IS DISTINCT FROM c.range_end
ORDER BY range_end

-- name: pack
SELECT compress_chunk(%(chunk)s::regclass, recompress => true)

-- name: note_packed
INSERT INTO upkeep_packed (chunk, until) VALUES (%(chunk)s::regclass, %(until)s)
ON CONFLICT (chunk) DO UPDATE SET until = EXCLUDED.until

-- Retention.

-- name: drop_chunks
-- Only those of which every reading is older.
SELECT drop_chunks('reading_kept', older_than => %(before)s::timestamptz)

-- name: touch_month
-- The sums of a month that goes are made anew, and what has no reading any more goes with it.
INSERT INTO rollup_touched (patient_id, day)
SELECT DISTINCT patient_id, (bucket AT TIME ZONE 'Asia/Shanghai')::date FROM reading_daily
WHERE bucket > %(begins)s::timestamptz - interval '1 day' AND bucket < %(ends)s

-- name: forget_values
-- A resident's newest values do not outlive their reading.
UPDATE patient_latest l SET values_at = NULL
WHERE time < %(before)s AND NOT EXISTS (
    SELECT FROM reading_kept r
    WHERE r.patient_id = l.patient_id AND r.time = l.time AND r.kind = l.kind)

-- name: ledger_pages
SELECT pg_relation_size('ingest_ledger') / current_setting('block_size')::integer

-- name: prune_ledger
-- Page after page, without an index that each reading would have to pay for. Symptoms and events
-- have no other key than this: their lines stay, and so does what waits in quarantine.
DELETE FROM ingest_ledger
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid
  AND received_at < %(before)s AND outcome IN ('stored', 'duplicate', 'conflict')
  -- By its line a refusal that came again, and was taken, is known not to wait any more.
  AND NOT EXISTS (
      SELECT FROM quarantine q
      WHERE q.reading_id = ingest_ledger.reading_id AND q.closed_at IS NULL)
