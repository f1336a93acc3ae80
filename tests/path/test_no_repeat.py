"""He measures 182 once and does not measure again: waiting ends after ten minutes, not the care."""

from datetime import timedelta

from fix_world import World


def test_a_reading_that_is_not_repeated_pages_all_the_same(world: World) -> None:
    home = world.new_home()
    home.measures(182, 100)
    home.episode_is("suspected")
    asked_at = world.now()
    ring = home.phone_rings("own")
    assert "未复测" in ring.text
    assert timedelta(minutes=5) < ring.at - asked_at < timedelta(minutes=16)


def test_a_repeat_within_limits_wakes_nobody(world: World) -> None:
    home = world.new_home()
    home.measures(183, 98)
    home.is_asked_again()
    world.passes(timedelta(seconds=70))
    home.measures(176, 96)
    home.episode_is("dismissed")
    world.passes(timedelta(minutes=12))
    assert home.rang() == 0
