-- The server's figures, each row a value behind its labels. Time is a parameter: `now`, and
-- `seen_since`, before which a gateway's last word is old.

-- name: newest_message
-- Without any ever: infinitely long ago, which is an alarm like any other silence.
SELECT coalesce(extract(epoch FROM %(now)s - (
    SELECT received_at FROM ingest_message ORDER BY message_id DESC LIMIT 1
))::float8, 'Infinity')

-- name: eval_waiting
SELECT count(*) FROM eval_queue

-- name: eval_oldest
SELECT coalesce(extract(epoch FROM %(now)s - min(queued_at))::float8, 0) FROM eval_queue

-- name: quarantine_open
SELECT reason, count(*) FROM quarantine_open GROUP BY reason

-- name: gateways_by_state
-- Without the watchdog's, which is no machine in a home.
SELECT CASE
        WHEN g.online IS NULL OR g.seen_at IS NULL THEN 'unknown'
        WHEN NOT g.online THEN 'offline'
        WHEN g.seen_at < %(seen_since)s THEN 'silent'
        ELSE 'online'
    END AS state, count(*)
FROM gateway g
WHERE NOT EXISTS (
    SELECT FROM device JOIN device_binding USING (device_id) JOIN resident r USING (patient_id)
    WHERE device.gateway_id = g.gateway_id AND r.synthetic)
GROUP BY state

-- name: gateway_configurations
SELECT state, count(*) FROM gateway_configured GROUP BY state

-- name: gateway_versions
-- The most frequent ones: a version is whatever a gateway says.
SELECT version, count(*) FROM gateway WHERE version IS NOT NULL
GROUP BY version ORDER BY count(*) DESC, version LIMIT 20

-- name: receipts_owed
SELECT coalesce(sum(waiting), 0) FROM gateway

-- name: upkeep_failing
-- Each task of the upkeep, and each background job that was ever ill: 1 while it fails.
SELECT name, (failing_since IS NOT NULL)::int FROM upkeep_task

-- name: upkeep_age
SELECT coalesce(extract(epoch FROM %(now)s - max(began_at))::float8, 'Infinity') FROM upkeep_task
