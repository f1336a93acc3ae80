"""The slope in the report: robust, honest about time, and silent when there is not enough."""

from random import Random

import numpy as np
import pytest
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.daily.slope import POINTS_MAX, NotEnough, Slope, slope


def test_a_line_with_one_wild_value() -> None:
    times = np.array([0.0, 1.0, 2.5, 4.0, 8.0, 9.0, 15.0])
    values = 130 + 0.5 * times
    values[3] = 240.0
    found = slope(times, values)
    assert isinstance(found, Slope)
    assert found.per_day == pytest.approx(0.5)
    assert found.middle == pytest.approx(130 + 0.5 * found.middle_d)


def test_irregular_times_are_honoured() -> None:
    times = np.array([0.0, 1.0, 2.0, 30.0, 31.0, 32.0])
    found = slope(times, np.array([130.0, 130.0, 130.0, 145.0, 145.0, 145.0]))
    assert isinstance(found, Slope)
    assert found.per_day == pytest.approx(0.5, abs=0.05), (
        "15 mmHg in a month, not in three readings"
    )


def test_the_test_of_mann_and_kendall_by_hand() -> None:
    """S = 13 of 15 pairs, variance 6 x 5 x 17 / 18: z = 12 / 5.323."""
    found = slope(np.arange(6.0), np.array([1.0, 2.0, 3.0, 4.0, 6.0, 5.0]))
    assert isinstance(found, Slope)
    assert found.p == pytest.approx(0.02417, abs=1e-4)


def test_ties_make_it_less_sure() -> None:
    flat = slope(np.arange(8.0), np.full(8, 130.0))
    assert isinstance(flat, Slope) and flat.p == 1.0 and flat.per_day == 0.0


@pytest.mark.parametrize("times", [[], [1.0] * 9, [0.0, 1.0, 2.0, 3.0, 4.0]])
def test_not_enough_is_said(times: list[float]) -> None:
    assert slope(np.array(times), np.arange(float(len(times)))) == NotEnough(len(times))


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(90, 200)), min_size=6, max_size=30, unique=True
    ),
    st.randoms(),
)
@examples(50)
def test_order_changes_nothing_and_signs_turn_round(
    points: list[tuple[int, int]], chance: Random
) -> None:
    times, values = (np.array(each, dtype=float) for each in zip(*points, strict=True))
    found = slope(times, values)
    mixed = list(range(len(points)))
    chance.shuffle(mixed)
    assert slope(times[mixed], values[mixed]) == found
    upside_down = slope(times, -values)
    if isinstance(found, Slope):
        assert isinstance(upside_down, Slope)
        assert upside_down.per_day == -found.per_day and upside_down.p == found.p


def test_many_points_are_thinned() -> None:
    times = np.arange(5.0 * POINTS_MAX)
    found = slope(times, 0.01 * times)
    assert isinstance(found, Slope)
    assert found.points <= POINTS_MAX and found.per_day == pytest.approx(0.01)
