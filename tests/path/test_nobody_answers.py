"""The own doctor sleeps: after ten minutes the duty doctor is called, until she answers."""

from datetime import timedelta

from fix_world import World


def test_the_duty_doctor_is_called_when_nobody_answers(world: World) -> None:
    home = world.new_home()
    home.measures(210, 118)
    first = home.phone_rings("own")
    assert "未复测" in first.text, "an extreme reading pages before it is repeated"
    second = home.phone_rings("duty")
    assert timedelta(minutes=9) < second.at - first.at < timedelta(minutes=16)
    third = home.phone_rings("duty", times=2)
    assert timedelta(minutes=5) < third.at - second.at < timedelta(minutes=16)

    home.answers(third, "referred")
    home.episode_is("answered")
    rang = home.rang()
    world.passes(timedelta(minutes=22))
    assert home.rang() == rang == 3
