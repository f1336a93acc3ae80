-- Statements about answers by text message.

-- name: messages_to
-- What was sent to a telephone, the newest first: which message, about which episode, to whom.
SELECT DISTINCT message_id, message_at, patient_id, episode_id, doctor_id
FROM page JOIN episode USING (episode_id)
WHERE address = %(address)s AND channel IN ('sms', 'voice') AND message_at >= %(since)s
    AND doctor_id IS NOT NULL
ORDER BY message_at DESC, episode_id
LIMIT %(limit)s

-- name: missed_replies
SELECT count(*) AS missed FROM sms_reply
WHERE address = %(address)s AND received_at >= %(since)s AND outcome = 'unknown'

-- name: keep_reply
INSERT INTO sms_reply (reply_id, address, said, received_at, outcome, message_id)
VALUES (%(reply_id)s, %(address)s, %(said)s, %(now)s, %(outcome)s, %(message_id)s)
ON CONFLICT (reply_id) DO NOTHING
RETURNING reply_id

-- name: reply_was_late
UPDATE sms_reply SET outcome = 'late' WHERE reply_id = %(reply_id)s
