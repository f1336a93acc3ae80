-- Centres, rotas and holidays of the registry file. Statements of `registry_rota_store.py`.

-- name: centres
INSERT INTO centre (centre_id, name, zone, duty_desk_id, page_privacy)
VALUES (%(id)s, %(name)s, %(zone)s, %(duty_desk)s, %(page_privacy)s)
ON CONFLICT (centre_id) DO UPDATE
SET name = EXCLUDED.name, zone = EXCLUDED.zone, duty_desk_id = EXCLUDED.duty_desk_id,
    page_privacy = EXCLUDED.page_privacy

-- name: rotas
INSERT INTO rota (rota_id, centre_id, name) VALUES (%(id)s, %(centre)s, %(name)s)
ON CONFLICT (rota_id) DO UPDATE SET centre_id = EXCLUDED.centre_id, name = EXCLUDED.name

-- name: clear_layers
DELETE FROM rota_layer WHERE rota_id = %(id)s

-- name: layers
INSERT INTO rota_layer (rota_id, position, turns_rota_id, start_day, shift_days, hand_over, on_days,
                        from_time, until_time, first_day, last_day)
VALUES (%(id)s, %(position)s, %(rota)s, %(start)s, %(shift_days)s, %(hand_over)s, %(days)s,
        %(from)s, %(until)s, %(first_day)s, %(last_day)s)

-- name: members
INSERT INTO rota_member (rota_id, layer, position, doctor_id)
VALUES (%(id)s, %(layer)s, %(position)s, %(doctor)s)

-- name: duty_rotas
UPDATE centre SET duty_rota_id = %(duty_rota)s WHERE centre_id = %(id)s

-- name: clear_specialists
DELETE FROM specialist WHERE centre_id = %(id)s

-- name: specialists
INSERT INTO specialist (centre_id, specialty, rota_id) VALUES (%(id)s, %(specialty)s, %(rota)s)

-- name: teams
UPDATE team SET centre_id = %(centre)s, rota_id = %(rota)s WHERE team_id = %(id)s

-- name: clear_holidays
DELETE FROM holiday

-- name: holidays
INSERT INTO holiday (day, kind, name) VALUES (%(day)s, %(kind)s, %(name)s)
