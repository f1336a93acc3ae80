"""The trend detector: against itself written plainly, and what it must and must not do."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from daily_parts import FIRST_DAY, days_of, parts
from daily_plainly import Plain
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.daily import cusum, trend
from yikao_alerts.daily.evening import daily_values
from yikao_alerts.daily.parameters import GLUCOSE, PRESSURE
from yikao_alerts.daily.season import Season
from yikao_alerts.daily.trend import DayParts, TrendNumbers
from yikao_alerts.daily.trend_marks import Mark
from yikao_alerts.daily.trend_state import Cusum, StaleStateError, TrendState

NAMES = tuple(TrendNumbers.__slots__)


@pytest.mark.parametrize(("am", "pm"), [(0.9, 0.8), (0.6, 0.4), (0.4, 0.06)])
def test_the_fast_detector_agrees_with_the_plain_one(am: float, pm: float) -> None:
    whole = parts(12, 300, seed=5, am=am, pm=pm, rise=14.0, at=180)
    _, numbers = trend.run(whole)
    assert (numbers.alarm == 1).any()
    for resident in range(12):
        plain = Plain()
        for day in range(300):
            value, z, baseline, alarm = plain.step(whole.am[resident, day], whole.pm[resident, day])
            place = (resident, day)
            assert numbers.value[place] == pytest.approx(value, rel=1e-12, nan_ok=True)
            assert numbers.z[place] == pytest.approx(z, rel=1e-9, abs=1e-9, nan_ok=True)
            assert numbers.baseline[place] == pytest.approx(baseline, rel=1e-12, nan_ok=True)
            assert numbers.alarm[place] == alarm


def test_the_numbers_of_one_are_those_of_many_to_the_last_bit() -> None:
    whole = parts(1_000, 120, seed=1)
    marks = np.zeros((1_000, 120), dtype=np.uint8, order="F")
    marks[[3, 500], 90] = Mark.NEW_DEVICE
    marks[7, 70] = Mark.DRUG_LOWERS
    state, numbers = trend.run(whole, marks=marks)
    for row in (0, 3, 7, 500, 999):
        alone = DayParts(FIRST_DAY, whole.am[row : row + 1], whole.pm[row : row + 1])
        own, its = trend.run(alone, marks=marks[row : row + 1])
        for name in NAMES:
            many = getattr(numbers, name)[row : row + 1]
            assert getattr(its, name).tobytes("C") == many.tobytes("C"), name
        assert own.to_bytes(0, PRESSURE) == state.to_bytes(row, PRESSURE)


def test_a_run_may_be_cut_anywhere_and_stored_in_between() -> None:
    whole = parts(6, 150, seed=2, rise=20.0, at=90)
    state, numbers = trend.run(whole)
    for cut in (1, 14, 57, 101, 149):
        before, first = trend.run(days_of(whole, 0, cut))
        stored = [before.to_bytes(row, PRESSURE) for row in range(6)]
        for row in range(6):
            again = TrendState.from_bytes(stored[row], PRESSURE)
            rest = days_of(whole, cut, 150)
            own = DayParts(rest.first_day, rest.am[row : row + 1], rest.pm[row : row + 1])
            last, numbers_after = trend.run(own, state=again)
            assert last.to_bytes(0, PRESSURE) == state.to_bytes(row, PRESSURE)
            for name in NAMES:
                joined = np.concatenate(
                    [getattr(first, name)[row : row + 1], getattr(numbers_after, name)], axis=1
                )
                assert joined.tobytes("C") == getattr(numbers, name)[row : row + 1].tobytes("C")


def test_a_state_that_does_not_fit_is_refused() -> None:
    state = TrendState.new(1, 3, PRESSURE)
    stored = state.to_bytes(0, PRESSURE)
    assert TrendState.from_bytes(stored, PRESSURE).to_bytes(0, PRESSURE) == stored
    with pytest.raises(StaleStateError, match="other parameters"):
        TrendState.from_bytes(stored, replace(PRESSURE, slack=0.5))
    with pytest.raises(StaleStateError, match="bytes"):
        TrendState.from_bytes(stored[:-1], PRESSURE)
    with pytest.raises(StaleStateError, match="version"):
        TrendState.from_bytes(b"\xff\xff" + stored[2:], PRESSURE)
    with pytest.raises(ValueError, match="the parts begin"):
        trend.run(parts(1, 3, seed=0), state=state)


def steady(days: int, value: float = 130.0) -> DayParts:
    """Return one resident whose every evening is `value`, give or take a little."""
    wave = value + 4.0 * np.sin(np.arange(days) * 2.4)
    return DayParts(FIRST_DAY, np.full((1, days), np.nan), wave[None, :].copy())


@given(
    day=st.integers(60, 140),
    value=st.one_of(st.floats(20.0, 60.0), st.floats(200.0, 400.0)),
)
@examples(40)
def test_one_artefact_never_alarms(day: int, value: float) -> None:
    whole = steady(160)
    whole.pm[0, day] = value
    _, numbers = trend.run(whole)
    assert not numbers.alarm.any()
    largest = max(numbers.up[0, day], numbers.down[0, day])
    assert 1.75 <= largest <= 1.75 + max(numbers.up[0, day - 1], numbers.down[0, day - 1])


def test_a_lasting_rise_is_found_with_its_size_and_its_first_day() -> None:
    whole = steady(160)
    whole.pm[0, 100:] += 12.0
    _, numbers = trend.run(whole)
    (day,) = np.flatnonzero(numbers.alarm[0])[:1]
    assert 100 <= day <= 112
    assert numbers.alarm[0, day] == 1
    assert numbers.shift[0, day] == pytest.approx(12.0, abs=3.0)
    assert 98 <= numbers.since[0, day] - FIRST_DAY <= 103
    assert numbers.shift_days[0, day] == day + FIRST_DAY - numbers.since[0, day] + 1
    assert numbers.ask[0, 100 : day + 1].sum() == 1
    assert not numbers.alarm[0, day + 1 : day + 15].any()
    assert not numbers.up[0, day + 1 : day + 15].any()


@given(seed=st.integers(0, 10_000))
@examples(10)
def test_what_falls_is_what_rises_upside_down(seed: int) -> None:
    whole = parts(20, 200, seed, am=0.0, pm=0.7, rise=12.0, at=120)
    _, rises = trend.run(whole)
    _, falls = trend.run(DayParts(FIRST_DAY, whole.am, -whole.pm))
    assert (rises.alarm == -falls.alarm).all()
    assert (rises.up == falls.down).all() and (rises.down == falls.up).all()
    assert np.array_equal(rises.shift, -falls.shift, equal_nan=True)


def test_days_without_readings_say_nothing_and_warn_of_nothing() -> None:
    _, nothing = trend.run(parts(3, 100, seed=0, am=0.0, pm=0.0))
    assert np.isnan(nothing.value).all() and np.isnan(nothing.z).all()
    assert not nothing.alarm.any() and not nothing.ask.any()
    whole = steady(400)
    whole.pm[0, 70:370] = np.nan
    _, numbers = trend.run(whole)
    assert np.isnan(numbers.value[0, 70:370]).all()
    assert numbers.up[0, 369] == numbers.up[0, 69], "no reading, no change of the sum"
    assert not np.isnan(numbers.z[0, 370]), "the baseline outlives a long silence"
    _, empty = trend.run(parts(3, 0, seed=0))
    assert empty.value.shape == (3, 0)


def test_nothing_alarms_in_the_first_eight_weeks() -> None:
    whole = steady(80)
    whole.pm[0, 30:] += 40.0
    _, numbers = trend.run(whole)
    assert not numbers.up[0, :56].any()
    assert np.flatnonzero(numbers.alarm[0])[0] >= 56


def alarms_after(mark: Mark | None, rise: float) -> list[int]:
    """Return the alarm days of a resident who changes by `rise` on day 100, marked that day."""
    whole = steady(200)
    whole.pm[0, 100:] += rise
    marks = np.zeros((1, 200), dtype=np.uint8)
    if mark is not None:
        marks[0, 100] = mark
    _, numbers = trend.run(whole, marks=marks)
    return np.flatnonzero(numbers.alarm[0]).tolist()


def test_an_accepted_level_or_a_new_device_begins_a_new_baseline() -> None:
    assert alarms_after(None, 15.0)
    assert alarms_after(Mark.LEVEL_ACCEPTED, 15.0) == []
    assert alarms_after(Mark.NEW_DEVICE, 15.0) == []
    assert alarms_after(Mark.NEW_DEVICE, -15.0) == []


def test_a_drug_change_rests_only_the_direction_that_is_expected() -> None:
    bare = alarms_after(None, -15.0)
    assert bare[0] < 114
    assert alarms_after(Mark.DRUG_LOWERS, -15.0)[0] >= 114
    assert alarms_after(Mark.DRUG_RAISES, -15.0) == bare
    assert alarms_after(Mark.DRUG_LOWERS, 15.0) == alarms_after(None, 15.0)


def test_with_an_index_its_own_limits_hold() -> None:
    whole = parts(50, 80, seed=3)
    season = Season.from_medians(FIRST_DAY, np.full(80, 2.0), np.full(80, 500, dtype=np.int32))
    _, with_index = trend.run(whole, season)
    _, bare = trend.run(whole)
    assert set(np.unique(with_index.limit[:, 60:])) <= set(PRESSURE.limits_indexed)
    assert set(np.unique(bare.limit[:, 60:])) <= set(PRESSURE.limits_plain)
    shifted = bare.value - 2.0
    assert np.array_equal(with_index.value, shifted, equal_nan=True)


def test_a_panel_may_have_an_index_for_some_of_its_residents() -> None:
    whole = parts(4, 1, seed=3, am=1.0, pm=1.0)
    indexed = np.array([True, False, True, False])
    day = trend.DayInput(whole.am[:, 0], whole.pm[:, 0], np.where(indexed, 2.0, 0.0), indexed)
    _, mixed = trend.step(TrendState.new(4, 0, PRESSURE), day)
    for row in range(4):
        own = trend.DayInput(
            whole.am[row : row + 1, 0],
            whole.pm[row : row + 1, 0],
            2.0 * indexed[row],
            bool(indexed[row]),
        )
        _, its = trend.step(TrendState.new(1, 0, PRESSURE), own)
        assert its.value[0] == mixed.value[row] and its.limit[0] == mixed.limit[row]


def test_limits_follow_the_reading_days_of_four_weeks() -> None:
    recent = np.array([2**n - 1 for n in (0, 9, 10, 19, 20, 28)], dtype=np.uint32)
    assert cusum.limits(recent, False, PRESSURE).tolist() == [3.3, 3.3, 4.0, 4.0, 5.4, 5.4]
    assert cusum.limits(recent, True, PRESSURE).tolist() == [2.7, 2.7, 3.3, 3.3, 4.5, 4.5]


def test_whole_series_at_once_are_the_same_as_day_by_day() -> None:
    whole = parts(30, 90, seed=8)
    _, numbers = trend.run(whole)
    at_once = daily_values(whole.am, whole.pm, PRESSURE)
    assert at_once.tobytes("C") == numbers.value.tobytes("C")


def run_lengths(shift: float, limit: float, streams: int, seed: int) -> np.ndarray:
    """Return how long a one-sided sum with k = 0.5 takes to reach `limit`, per stream."""
    random = np.random.default_rng(seed)
    sums, counts = Cusum.new(streams), np.ones(streams, dtype=np.bool_)
    lengths = np.zeros(streams)
    day = 0
    while not lengths.all():
        day += 1
        surprise = random.normal(shift, 1.0, streams)
        sums = cusum.add(sums, surprise, surprise, counts, day, 0.5)
        lengths[(sums.score >= limit) & (lengths == 0)] = day
    return lengths


@pytest.mark.parametrize(
    ("shift", "limit", "textbook"), [(0.0, 4.0, 336.0), (1.0, 4.0, 8.38), (1.0, 5.0, 10.4)]
)
def test_run_lengths_are_those_of_the_textbook(shift: float, limit: float, textbook: float) -> None:
    """Montgomery, Introduction to Statistical Quality Control, table of CUSUM run lengths."""
    lengths = run_lengths(shift, limit, streams=4_000, seed=336)
    error = lengths.std() / sqrt(lengths.size)
    # The textbook's figures have two or three digits.
    assert abs(lengths.mean() - textbook) < 3.3 * error + 0.005 * textbook


def test_glucose_rises_by_percent() -> None:
    random = np.random.default_rng(4)
    fasting = 100.0 * np.log(7.0) + random.normal(0, 15, (300, 160))
    fasting[:, 100:] += 100.0 * np.log(1.3)
    days = DayParts(FIRST_DAY, np.full(fasting.shape, np.nan), np.asfortranarray(fasting))
    _, numbers = trend.run(days, parameters=GLUCOSE)
    found = (numbers.alarm[:, 100:128] == 1).any(axis=1)
    assert found.mean() > 0.9
    assert np.nanmedian(numbers.shift[:, 100:128]) == pytest.approx(100 * np.log(1.3), rel=0.2)
