"""A centre with rotas for the feed's tests, written as the registry would."""

from fix_feed import Town

CENTRE = """
INSERT INTO centre (centre_id, name, zone, duty_desk_id)
    VALUES ('c-north', '城北中心', 'Asia/Shanghai', 'li');
INSERT INTO rota (rota_id, centre_id, name)
    VALUES ('duty', 'c-north', '总值班'), ('team', 'c-north', '城北团队');
UPDATE centre SET duty_rota_id = 'duty';
UPDATE team SET centre_id = 'c-north', rota_id = 'team' WHERE team_id = 'north';
INSERT INTO rota_layer (rota_id, position, start_day, shift_days, hand_over)
    VALUES ('duty', 0, '2026-01-05', 1, '08:00');
INSERT INTO rota_layer (rota_id, position, start_day, shift_days, hand_over, on_days, from_time,
                        until_time)
    VALUES ('team', 0, '2026-01-05', 7, '08:00', '{workday}', '08:00', '18:00');
INSERT INTO rota_layer (rota_id, position, turns_rota_id) VALUES ('team', 1, 'duty');
INSERT INTO rota_member (rota_id, layer, position, doctor_id) VALUES
    ('duty', 0, 0, 'wang'), ('duty', 0, 1, 'li'), ('team', 0, 0, 'li'), ('team', 0, 1, 'wang');
INSERT INTO holiday (day, kind, name) VALUES (%(now)s::date + 3, 'offday', '节日');
"""


def with_centre(town: Town) -> None:
    """Give the northern team a centre with two rotas, and a resident."""
    town.run(CENTRE)
    town.resident("r-01", "张秀英")
