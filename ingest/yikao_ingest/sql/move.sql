-- What moving a whole database says to its two ends. Names in braces are filled in as identifiers.

-- name: settle_texts
-- Rows are compared as texts, which these settings shape.
SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),
       set_config('IntervalStyle', 'postgres', false), set_config('bytea_output', 'hex', false),
       set_config('extra_float_digits', '1', false)

-- name: identity
SELECT system_identifier || '/' || d.oid FROM pg_control_system(), pg_database d
WHERE d.datname = current_database()

-- name: take_ingest_lock
SELECT pg_try_advisory_lock(%(key)s)

-- name: has
SELECT to_regclass(%(table)s) IS NOT NULL

-- name: tables
-- Those of this schema, but not what an extension brought, nor the parts of divided ones.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
ORDER BY c.relname

-- name: columns
SELECT attname FROM pg_attribute
WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum

-- name: one_moment
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ

-- name: be_patient
SELECT set_config('lock_timeout', %(patience)s, true)

-- name: lock_tables
LOCK TABLE {} IN SHARE MODE

-- name: count
SELECT count(*) FROM {}

-- name: holds_rows
SELECT EXISTS (SELECT FROM {})

-- name: months
SELECT date_trunc('month', time, 'UTC'), count(*) FROM reading_kept GROUP BY 1 ORDER BY 1

-- name: digest
-- The same for the same rows, in whatever order they lie.
SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0)::text FROM {}

-- name: within_month
 WHERE time >= {} AND time < {}

-- name: copy_out
COPY (SELECT {} FROM {}) TO STDOUT (FORMAT BINARY)

-- name: copy_in
COPY {} ({}) FROM STDIN (FORMAT BINARY)

-- name: clear
DELETE FROM {}

-- name: make_partition
CREATE TABLE IF NOT EXISTS {} PARTITION OF reading_kept FOR VALUES FROM ({}) TO ({})

-- name: make_progress
CREATE TABLE move_progress (
    unit text PRIMARY KEY,
    source text NOT NULL,
    rows bigint NOT NULL,
    digest text NOT NULL
)

-- name: progress
SELECT unit, rows, digest FROM move_progress WHERE unit <> ''

-- name: progress_source
SELECT source FROM move_progress WHERE unit = ''

-- name: note_progress
INSERT INTO move_progress (unit, source, rows, digest)
VALUES (%(unit)s, %(source)s, %(rows)s, %(digest)s)
ON CONFLICT (unit) DO UPDATE SET rows = EXCLUDED.rows, digest = EXCLUDED.digest

-- name: drop_progress
DROP TABLE move_progress

-- name: foreign_keys
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.contype = 'f' AND k.conparentid = 0
  AND k.connamespace = current_schema()::regnamespace
ORDER BY c.relname, k.conname

-- name: drop_constraint
ALTER TABLE {} DROP CONSTRAINT {}

-- name: add_constraint
ALTER TABLE {} ADD CONSTRAINT {} {}

-- name: identities
SELECT c.relname, a.attname, pg_get_serial_sequence(quote_ident(c.relname), a.attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attidentity <> '' AND NOT a.attisdropped
  AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%(tables)s)

-- name: sequence
SELECT last_value, is_called FROM {}

-- name: set_sequence
SELECT setval(pg_get_serial_sequence(quote_ident(%(table)s), %(column)s), %(last)s, %(called)s)

-- name: mode
SELECT value FROM schema_meta WHERE key = 'mode'

-- name: remembered
SELECT key, value FROM schema_meta

-- name: remember
-- What the target knows of itself, like the kind of its storage, stays.
INSERT INTO schema_meta (key, value) VALUES (%(key)s, %(value)s) ON CONFLICT DO NOTHING
