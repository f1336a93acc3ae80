-- Messages about the service itself. Statements of `notices.py`.

-- name: add
INSERT INTO notice (notice_id, kind, doctor_id, position, channel, address, language, body, link,
                    created_at, due_at)
VALUES (%(notice_id)s, %(kind)s, %(doctor_id)s, %(position)s, %(channel)s, %(address)s,
        %(language)s, %(body)s, %(link)s, %(now)s, %(now)s)
ON CONFLICT DO NOTHING RETURNING notice_id

-- name: claim
-- Whoever dies with it leaves it due again.
UPDATE notice SET attempts = attempts + 1, due_at = %(again_at)s
WHERE notice_id = (
    SELECT notice_id FROM notice WHERE due_at <= %(now)s ORDER BY due_at, notice_id
    LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING notice_id, kind, doctor_id, position, channel, address, language, body, link, attempts

-- name: sent
UPDATE notice SET due_at = NULL, sent_at = %(now)s, outcome = 'sent' WHERE notice_id = %(notice_id)s

-- name: not_sent
UPDATE notice SET due_at = %(again_at)s, outcome = %(outcome)s WHERE notice_id = %(notice_id)s

-- name: contacts
SELECT position, channel, address FROM contact WHERE doctor_id = %(doctor_id)s ORDER BY position

-- name: check
SELECT n.doctor_id, d.name, n.language, n.channel, n.created_at, n.confirmed_at
FROM notice n JOIN doctor d USING (doctor_id)
WHERE n.notice_id = %(notice_id)s AND n.doctor_id = %(doctor_id)s AND n.kind = 'check'

-- name: confirm
UPDATE notice SET confirmed_at = coalesce(confirmed_at, %(now)s)
WHERE notice_id = %(notice_id)s AND doctor_id = %(doctor_id)s AND kind = 'check'
RETURNING confirmed_at
