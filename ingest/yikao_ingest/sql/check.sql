-- What `yikao check` asks the database. Time is a parameter.

-- name: server
SELECT current_setting('server_version_num')::int / 10000, pg_database_size(current_database())

-- name: has_schema
SELECT to_regclass('schema_migration') IS NOT NULL

-- name: applied
SELECT name, checksum FROM schema_migration

-- name: mode
SELECT value FROM schema_meta WHERE key = 'mode'

-- name: timescale
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'

-- name: registry
SELECT (SELECT count(*) FROM resident), (SELECT count(*) FROM gateway),
       (SELECT count(*) FROM device)

-- name: gateways
-- Those that do not do what was last wished and say so, and how many are of another version.
SELECT coalesce(array_agg(gateway_id ORDER BY gateway_id)
                    FILTER (WHERE c.state IN ('refused', 'returned')), '{}'),
       count(*) FILTER (WHERE g.version <> %(version)s)
FROM gateway g JOIN gateway_configured c USING (gateway_id)

-- name: holds_lock
-- Who is the active ingest; a lock's key of 64 bits is shown in two halves.
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND (classid::bigint << 32 | objid::bigint) = %(key)s
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: heard
-- When something last came, and when the last of the gateways that should be there spoke.
SELECT (SELECT received_at FROM ingest_message ORDER BY message_id DESC LIMIT 1),
       (SELECT max(seen_at) FROM gateway WHERE online)

-- name: listeners
-- The last that a worker's second connection said is what it listens to.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND query = %(listen)s

-- name: eval_queue
SELECT count(*), min(queued_at) FROM eval_queue

-- name: pages
SELECT min(due_at) FILTER (WHERE state = 'due'), count(*) FILTER (WHERE state = 'held')
FROM page WHERE state IN ('due', 'held')
