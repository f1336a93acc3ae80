-- What is asked and said about the quarantine by whoever looks after it. Time is a parameter.

-- name: waiting_by_reason
SELECT reason, count(*), min(received_at), max(received_at) FROM quarantine_open
WHERE (%(reasons)s::text[] IS NULL OR reason = ANY(%(reasons)s))
  AND (%(gateway)s::text IS NULL OR gateway_id = %(gateway)s)
  AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
GROUP BY reason ORDER BY max(received_at) DESC, reason

-- name: waiting_newest
-- An item's bytes, for the device that it names; a message of many names none.
SELECT quarantine_id, received_at, reason, gateway_id,
       CASE WHEN octet_length(payload) <= %(item_bytes)s THEN payload ELSE '' END
FROM quarantine_open
WHERE (%(reasons)s::text[] IS NULL OR reason = ANY(%(reasons)s))
  AND (%(gateway)s::text IS NULL OR gateway_id = %(gateway)s)
  AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
ORDER BY received_at DESC, quarantine_id DESC LIMIT %(limit)s

-- name: chosen
-- With the number of the message that an item came in: what came together is judged together.
SELECT q.quarantine_id, coalesce(q.message_id, l.message_id)
FROM quarantine_open q LEFT JOIN ingest_ledger l USING (reading_id)
WHERE (%(ids)s::bigint[] IS NULL OR q.quarantine_id = ANY(%(ids)s))
  AND (%(reason)s::text IS NULL OR q.reason = %(reason)s)
  AND (%(naming)s::bytea IS NULL OR position(%(naming)s::bytea IN q.payload) > 0)
ORDER BY q.received_at, q.quarantine_id

-- name: known
SELECT quarantine_id FROM quarantine WHERE quarantine_id = ANY(%(ids)s)

-- name: entries
-- Locked: whoever else would release or discard them waits, and finds nothing left.
SELECT q.quarantine_id, q.received_at, q.gateway_id, q.topic, q.reason, q.detail, q.payload,
       q.reading_id, q.patient_id, q.measured_at, q.key_id, q.signature,
       coalesce(q.message_id, l.message_id)
FROM quarantine q LEFT JOIN ingest_ledger l USING (reading_id)
WHERE q.quarantine_id = ANY(%(ids)s) AND q.closed_at IS NULL
ORDER BY q.quarantine_id
FOR UPDATE OF q

-- name: messages
SELECT message_id, payload, key_id, signature FROM ingest_message
WHERE message_id = ANY(%(ids)s)

-- name: facts
SELECT q.quarantine_id, q.received_at, q.reason, q.detail, q.topic, q.gateway_id, q.payload,
       q.reading_id, q.measured_at, r.code, q.key_id, q.signature IS NOT NULL,
       coalesce(q.message_id, l.message_id), l.outcome, q.closed_as, q.closed_at, q.closed_by,
       q.closed_because
FROM quarantine q
LEFT JOIN ingest_ledger l USING (reading_id)
LEFT JOIN resident r USING (patient_id)
WHERE q.quarantine_id = %(id)s

-- name: close
UPDATE quarantine
SET closed_at = %(now)s, closed_as = %(as)s, closed_by = %(by)s, closed_because = %(because)s
WHERE quarantine_id = ANY(%(ids)s) AND closed_at IS NULL
RETURNING quarantine_id

-- name: stays
UPDATE quarantine
SET reason = %(reason)s, detail = %(detail)s, patient_id = %(patient_id)s,
    measured_at = %(measured_at)s
WHERE quarantine_id = %(id)s

-- name: note_reading
-- The row that came of it, known by when it came, which is kept to the millisecond; one that was
-- there before stays what it was.
INSERT INTO reading_released (patient_id, reading_id, time, kind, device_id, at)
SELECT patient_id, %(reading_id)s, time, kind, device_id, %(now)s FROM reading
WHERE patient_id = %(patient_id)s AND time = %(time)s AND device_id = %(device_id)s
  AND kind = %(kind)s AND received_at <= %(received_at)s
  AND received_at > %(received_at)s - interval '1 millisecond'
ON CONFLICT DO NOTHING

-- name: note_report
INSERT INTO reading_released (patient_id, reading_id, time, kind, at)
SELECT patient_id, reading_id, time, 'symptom', %(now)s FROM symptom_report
WHERE reading_id = %(reading_id)s AND received_at = %(received_at)s
UNION ALL
SELECT patient_id, reading_id, time, 'symptom', %(now)s FROM help_call
WHERE reading_id = %(reading_id)s AND received_at = %(received_at)s
ON CONFLICT DO NOTHING

-- name: queued_now
-- Whose they are waits since now, not since they came.
UPDATE eval_queue SET queued_at = %(now)s
WHERE patient_id = ANY(%(patients)s) AND queued_at = %(received_at)s
