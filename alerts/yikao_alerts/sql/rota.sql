-- Who is on call: rotas and what was said on top of them. Statements of `rota/store.py`.

-- name: rotas
SELECT r.rota_id, c.zone FROM rota r JOIN centre c USING (centre_id) ORDER BY r.rota_id

-- name: layers
SELECT l.rota_id, l.turns_rota_id, l.start_day, l.shift_days, l.hand_over, l.on_days, l.from_time,
       l.until_time, l.first_day, l.last_day,
       (SELECT array_agg(m.doctor_id ORDER BY m.position) FROM rota_member m
        WHERE (m.rota_id, m.layer) = (l.rota_id, l.position))
FROM rota_layer l ORDER BY l.rota_id, l.position

-- name: overrides
SELECT rota_id, kind, doctors, giver_id, begins_at, ends_at FROM rota_override
WHERE withdrawn_at IS NULL AND ends_at > %(since)s ORDER BY override_id

-- name: leaves
SELECT doctor_id, begins_at, ends_at, substitute_id FROM doctor_leave
WHERE withdrawn_at IS NULL AND ends_at > %(since)s ORDER BY leave_id

-- name: holidays
SELECT day, kind FROM holiday

-- name: add_override
INSERT INTO rota_override (rota_id, kind, doctors, giver_id, begins_at, ends_at, reason, said_at,
                           said_by)
VALUES (%(rota)s, %(kind)s, %(doctors)s, %(giver)s, %(begin)s, %(end)s, %(reason)s, %(now)s,
        %(by)s)
RETURNING override_id

-- name: add_leave
INSERT INTO doctor_leave (doctor_id, substitute_id, begins_at, ends_at, reason, said_at, said_by)
VALUES (%(doctor)s, %(substitute)s, %(begin)s, %(end)s, %(reason)s, %(now)s, %(by)s)
RETURNING leave_id

-- name: withdraw_override
UPDATE rota_override SET withdrawn_at = %(now)s, withdrawn_by = %(by)s
WHERE override_id = %(id)s AND withdrawn_at IS NULL RETURNING override_id

-- name: withdraw_leave
UPDATE doctor_leave SET withdrawn_at = %(now)s, withdrawn_by = %(by)s
WHERE leave_id = %(id)s AND withdrawn_at IS NULL RETURNING leave_id

-- name: said
-- What was said and still counts or will, the newest first; `what` and `id` name it.
SELECT 'override' AS what, override_id AS id, kind, rota_id, doctors, giver_id, begins_at, ends_at,
       reason, said_at, said_by
FROM rota_override WHERE withdrawn_at IS NULL AND ends_at > %(now)s
UNION ALL
SELECT 'leave', leave_id, 'leave', NULL, array_remove(ARRAY[substitute_id], NULL), doctor_id,
       begins_at, ends_at, reason, said_at, said_by
FROM doctor_leave WHERE withdrawn_at IS NULL AND ends_at > %(now)s
ORDER BY said_at DESC, id DESC

-- name: centres
SELECT centre_id, name, zone, duty_rota_id, duty_desk_id FROM centre ORDER BY centre_id

-- name: doctors
SELECT d.doctor_id, d.name, d.language, t.team_id, t.centre_id FROM doctor d
JOIN team t USING (team_id) ORDER BY d.doctor_id

-- name: rota_names
SELECT r.rota_id, r.name, r.centre_id, c.zone FROM rota r JOIN centre c USING (centre_id)
ORDER BY r.rota_id

-- name: team_names
SELECT team_id, name, zone, centre_id FROM team ORDER BY team_id

-- name: panels
-- Residents who have the same team and the same own doctor are in the same care.
SELECT t.centre_id, t.team_id, r.doctor_id, count(*), t.rota_id, c.duty_rota_id, t.duty_doctor_id,
       c.duty_desk_id,
       (SELECT array_agg(ARRAY[s.specialty, s.rota_id] ORDER BY s.specialty) FROM specialist s
        WHERE s.centre_id = c.centre_id)
FROM patient r JOIN team t USING (team_id) LEFT JOIN centre c USING (centre_id)
GROUP BY t.team_id, r.doctor_id, c.centre_id ORDER BY t.team_id, r.doctor_id

-- name: methods
-- Each contact, and when somebody last confirmed a test message there.
SELECT c.doctor_id, c.position, c.channel, c.address, max(n.confirmed_at)
FROM contact c
LEFT JOIN notice n ON n.kind = 'check' AND n.confirmed_at IS NOT NULL
    AND (n.doctor_id, n.channel, n.address) = (c.doctor_id, c.channel, c.address)
GROUP BY c.doctor_id, c.position, c.channel, c.address
ORDER BY c.doctor_id, c.position

-- name: desks
SELECT c.centre_id, c.name, c.zone, d.doctor_id, d.language FROM centre c
JOIN doctor d ON d.doctor_id = c.duty_desk_id ORDER BY c.centre_id
