-- Statements about what message providers tell us.

-- name: page_of_press
SELECT p.episode_id, p.doctor_id, d.language
FROM page p JOIN doctor d USING (doctor_id)
WHERE p.page_id = %(page_id)s AND p.channel = %(channel)s
    AND lower(p.address) = lower(%(address)s)

-- name: keep_event
INSERT INTO provider_event (event_id, page_id, received_at)
VALUES (%(event_id)s, %(page_id)s, %(now)s)
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id

-- name: who_has_it
SELECT e.state, d.name
FROM episode e LEFT JOIN doctor d ON d.doctor_id = e.answered_by
WHERE e.episode_id = %(episode_id)s
