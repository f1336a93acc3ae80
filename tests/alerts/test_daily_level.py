"""Level and labels: the filter by hand, hysteresis, colours, their reasons, and a person's word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sqrt

import numpy as np
import pytest
from daily_parts import FIRST_DAY, days_of, parts

from yikao_alerts.daily import labels, level
from yikao_alerts.daily.labels import DWELL_D, Colour, Facts, Levels, Open, Override
from yikao_alerts.daily.level import SURE_Z, LevelNumbers, LevelState, normal_cdf
from yikao_alerts.daily.parameters import DIASTOLIC_LEVEL, SYSTOLIC_LEVEL
from yikao_alerts.daily.trend import DayParts
from yikao_alerts.daily.trend_state import StaleStateError

NAN = float("nan")


def test_the_filter_by_hand() -> None:
    evenings = DayParts(FIRST_DAY, np.full((1, 4), NAN), np.array([[150.0, NAN, 152.0, 240.0]]))
    _, numbers = level.run(evenings)
    mean, variance = 132.0, 196.0
    for day, value in enumerate((150.0, None, 152.0, 240.0)):
        variance += 0.4**2 if day else 0.0
        if value is not None:
            noise = 49.0 * 1.15
            surprise = value - mean
            far = abs(surprise) / sqrt(variance + noise)
            noise *= max(1.0, far / 2.5)
            gain = variance / (variance + noise)
            mean, variance = mean + gain * surprise, (1 - gain) * variance
        assert numbers.level[0, day] == pytest.approx(mean + 1.5, rel=1e-12)
        assert numbers.sd[0, day] == pytest.approx(sqrt(variance), rel=1e-12)


def test_a_level_holds_half_of_the_own_morning_difference() -> None:
    """From +3 for everybody, that counts as six days, to the own +12 of twenty-four days."""
    higher = DayParts(FIRST_DAY, np.full((1, 24), 142.0), np.full((1, 24), 130.0))
    state, numbers = level.run(higher)
    usual = (24 * 12.0 + 6 * 3.0) / (24 + 6)
    assert numbers.level[0, -1] == pytest.approx(state.mean[0] + usual / 2, rel=1e-12)


def test_two_sessions_say_more_than_one() -> None:
    one = DayParts(FIRST_DAY, np.full((1, 9), NAN), np.full((1, 9), 140.0))
    two = DayParts(FIRST_DAY, np.full((1, 9), 143.0), np.full((1, 9), 140.0))
    sd_one, sd_two = (level.run(each)[1].sd[0, -1] for each in (one, two))
    assert sd_two < sd_one


def test_before_the_first_reading_nothing_is_known() -> None:
    evenings = DayParts(FIRST_DAY, np.full((1, 3), NAN), np.array([[NAN, NAN, 140.0]]))
    _, numbers = level.run(evenings)
    assert np.isnan(numbers.level[0, :2]).all()
    alone = DayParts(FIRST_DAY, np.full((1, 1), NAN), np.array([[140.0]]))
    assert numbers.level[0, 2] == level.run(alone)[1].level[0, 0], "waiting teaches nothing"
    assert np.isnan(numbers.probability(135.0)[0, :2]).all()
    assert not numbers.above(135.0)[0, :2].any()


def test_levels_of_one_are_those_of_many_and_runs_may_be_cut() -> None:
    whole = parts(40, 90, seed=6)
    state, numbers = level.run(whole)
    before, _ = level.run(days_of(whole, 0, 50))
    for row in (0, 39):
        stored = before.to_bytes(row, SYSTOLIC_LEVEL)
        again = LevelState.from_bytes(stored, SYSTOLIC_LEVEL)
        rest = days_of(whole, 50, 90)
        own = DayParts(rest.first_day, rest.am[row : row + 1], rest.pm[row : row + 1])
        last, after = level.run(own, state=again)
        assert last.to_bytes(0, SYSTOLIC_LEVEL) == state.to_bytes(row, SYSTOLIC_LEVEL)
        assert after.level.tobytes("C") == numbers.level[row : row + 1, 50:].tobytes("C")
    with pytest.raises(StaleStateError):
        LevelState.from_bytes(stored, DIASTOLIC_LEVEL)
    with pytest.raises(StaleStateError):
        LevelState.from_bytes(stored[1:], SYSTOLIC_LEVEL)


def test_the_normal_distribution() -> None:
    table = {-1.959964: 0.025, -1.0: 0.1586553, 0.0: 0.5, 0.9944579: 0.84, 3.0: 0.9986501}
    assert normal_cdf(np.array(list(table))) == pytest.approx(list(table.values()), abs=1e-7)


def numbers_of(z: list[float], limit: float = 135.0) -> LevelNumbers:
    return LevelNumbers(limit + np.array([z]), np.ones((1, len(z))))


def test_above_is_said_when_sure_and_unsaid_when_sure_of_the_opposite() -> None:
    sure, below = SURE_Z + 0.01, -SURE_Z - 0.01
    z = [0.9, sure, 0.0, -0.9, below, 0.9, NAN]
    assert numbers_of(z).above(135.0).tolist() == [[False, True, True, True, False, False, False]]
    on = np.array([True])
    assert numbers_of([0.0, below]).above(135.0, on).tolist() == [[True, False]]
    assert numbers_of([sure]).probability(135.0)[0, 0] > 0.84


def test_what_is_said_of_two_pressures_goes_on_from_day_to_day() -> None:
    whole = parts(50, 120, seed=9)
    _, high = level.run(whole)
    low_parts = DayParts(FIRST_DAY, whole.am - 50.0, whole.pm - 50.0)
    _, low = level.run(low_parts, parameters=DIASTOLIC_LEVEL)
    every = Levels(high, low).above((135.0, 85.0))
    assert every.any() and not every.all()
    said = np.zeros(50, dtype=np.bool_)
    for day in range(120):
        today = slice(day, day + 1)
        both = (LevelNumbers(each.level[:, today], each.sd[:, today]) for each in (high, low))
        said = Levels(*both).above((135.0, 85.0), said)[:, -1]
        assert (said == every[:, day]).all()


def facts(**changed: list[int]) -> Facts:
    size = len(next(iter(changed.values())))
    given = {"open": [0] * size, "high": [0] * size, "very_high": [0] * size}
    given |= {"silent": [0] * size, "reading_days": [20] * size, **changed}
    arrays = {name: np.array([values]) for name, values in given.items()}
    return Facts(
        arrays["open"].astype(np.int8),
        arrays["high"].astype(bool),
        arrays["very_high"].astype(bool),
        arrays["silent"].astype(np.int32),
        arrays["reading_days"].astype(np.int32),
    )


@pytest.mark.parametrize(
    ("given", "colour"),
    [
        ({"open": [Open.PAGE_NOW]}, Colour.RED),
        ({"open": [Open.TODAY], "reading_days": [0]}, Colour.RED),
        ({"very_high": [1]}, Colour.RED),
        ({"open": [Open.THIS_WEEK]}, Colour.YELLOW),
        ({"high": [1], "reading_days": [3]}, Colour.YELLOW),
        ({"silent": [7]}, Colour.YELLOW),
        ({"silent": [6]}, Colour.GREEN),
        ({"reading_days": [8]}, Colour.GREEN),
        ({"reading_days": [7]}, Colour.GREY),
        ({"silent": [-1], "reading_days": [0]}, Colour.BLUE),
        ({"silent": [-1], "open": [Open.PAGE_NOW]}, Colour.RED),
    ],
)
def test_what_makes_a_colour(given: dict[str, list[int]], colour: Colour) -> None:
    assert labels.colours(facts(**given))[0, 0] == colour


@pytest.mark.parametrize(
    ("given", "colour"),
    [
        ({"silent": [3]}, Colour.BLUE),
        ({"silent": [3], "reading_days": [2]}, Colour.BLUE),
        ({"silent": [7]}, Colour.YELLOW),
        ({"silent": [3], "open": [Open.TODAY]}, Colour.RED),
    ],
)
def test_not_measured_as_expected_is_blue_where_nothing_is_worse(
    given: dict[str, list[int]], colour: Colour
) -> None:
    behind = replace(facts(**given), behind=np.array([[True]]))
    assert labels.colours(behind)[0, 0] == colour
    told = labels.reasons(behind, None, (0, 0), {}, colour)
    assert {"code": "silent", "days": given["silent"][0]} in told


def test_too_few_readings_are_never_green() -> None:
    every = [
        facts(open=[a], high=[b], very_high=[c], silent=[d], reading_days=[e])
        for a in range(4)
        for b in (0, 1)
        for c in (0, 1)
        for d in (-1, 0, 6, 7, 30)
        for e in range(8)
    ]
    assert all(labels.colours(each)[0, 0] != Colour.GREEN for each in every)


def test_a_colour_gets_worse_at_once_and_better_after_some_days() -> None:
    shown, since = labels.run(facts(high=[0, 1, 0, 0, 0, 0], very_high=[0, 0, 0, 1, 0, 0]), 100)
    green, yellow, red = Colour.GREEN, Colour.YELLOW, Colour.RED
    assert shown.tolist() == [[green, yellow, yellow, red, red, red]]
    assert since.tolist() == [[100, 101, 101, 103, 103, 103]]
    high = [1] + [0] * DWELL_D
    assert labels.run(facts(high=high), 0)[0].tolist() == [[yellow] * DWELL_D + [green]]
    few = facts(reading_days=[8, 7])
    assert labels.run(few, 0)[0].tolist() == [[green, Colour.GREY]]


def test_reasons_carry_their_numbers() -> None:
    levels = Levels(numbers_of([2.0]), LevelNumbers(np.array([[80.0]]), np.array([[3.0]])))
    given = facts(open=[Open.TODAY], high=[1], silent=[8], reading_days=[5])
    opened = {Open.THIS_WEEK: ["BP-06"], Open.TODAY: ["BP-05"]}
    assert labels.reasons(given, levels, (0, 0), opened, Colour.RED) == [
        {"code": "open_today", "rule_id": "BP-05"},
        {"code": "open_this_week", "rule_id": "BP-06"},
        {"code": "level_high", "p": 0.977, "level": 137.0, "limit": 135.0},
        {"code": "silent", "days": 8},
        {"code": "few_days", "days": 5},
    ]
    well = facts(reading_days=[20])
    assert labels.reasons(well, None, (0, 0), {}, Colour.GREEN) == [
        {"code": "enough_days", "days": 20}
    ]
    assert labels.reasons(well, None, (0, 0), {}, Colour.YELLOW)[0]["code"] == "not_long_enough"
    never = facts(silent=[-1], reading_days=[0])
    assert labels.reasons(never, None, (0, 0), {}, Colour.BLUE) == [{"code": "not_measured"}]


def test_a_persons_word_stands_until_it_expires() -> None:
    now = datetime(2026, 11, 1, 8, tzinfo=UTC)
    word = Override(Colour.YELLOW, "calls herself", "dr-li", now + timedelta(days=7))
    assert labels.standing(Colour.RED, word, now) == Colour.YELLOW
    assert labels.standing(Colour.RED, word, now + timedelta(days=7)) == Colour.RED
    assert labels.standing(Colour.GREEN, None, now) == Colour.GREEN
