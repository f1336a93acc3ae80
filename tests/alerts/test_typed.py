"""Typed values: exact tests against what is known, honest diaries and round ones."""

from dataclasses import replace
from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_parts import bp, sugar, t

from yikao_alerts.history import MANUAL
from yikao_alerts.typed import (
    VALUES_MIN,
    Heap,
    NotEnough,
    RoundDigits,
    binomial_tail,
    chi_square_9_tail,
    examine,
    examine_team,
    heap_below,
    round_digits,
    typed_steps,
)

RANDOM = Random(20260302)
HONEST = [round(RANDOM.gauss(132, 12)) for _ in range(600)]
ROUND = [5 * round(step / 5) if RANDOM.random() < 0.4 else step for step in HONEST]
KIND = [134 if step in (135, 136) and RANDOM.random() < 0.5 else step for step in HONEST]


@pytest.mark.parametrize(
    ("n", "count", "share"),
    [(1, 0, 0.2), (20, 8, 0.2), (20, 20, 0.2), (30, 6, 0.5), (400, 95, 0.2)],
)
def test_the_binomial_tail_is_the_sum_it_stands_for(n: int, count: int, share: float) -> None:
    exact = sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(count, n + 1))
    assert binomial_tail(n, count, share) == pytest.approx(exact, rel=1e-9)


def test_the_binomial_tail_of_many() -> None:
    assert binomial_tail(100_000, 20_000, 0.2) == pytest.approx(0.5, abs=0.01)
    assert binomial_tail(100_000, 30_000, 0.2) == 0.0


@pytest.mark.parametrize(
    ("value", "p"), [(0.0, 1.0), (8.343, 0.5), (16.919, 0.05), (27.877, 0.001)]
)
def test_the_chi_square_tail_is_the_tables(value: float, p: float) -> None:
    """Source: Abramowitz and Stegun, table 26.8, 9 degrees of freedom."""
    assert chi_square_9_tail(value) == pytest.approx(p, rel=1e-3)


def digits(steps: list[int]) -> RoundDigits:
    found = round_digits(steps)
    assert isinstance(found, RoundDigits)
    return found


def heap(steps: list[int], target: float = 135, unit: str = "mmHg") -> Heap:
    found = heap_below(steps, target, unit)
    assert isinstance(found, Heap)
    return found


def test_an_honest_diary_says_nothing() -> None:
    assert digits(HONEST).p > 0.05
    assert digits(HONEST).p_digits > 0.01
    assert heap(HONEST).p > 0.05


def test_round_values_show() -> None:
    found = digits(ROUND)
    assert found.p < 1e-6
    assert found.p_digits < 1e-6
    assert sum(found.counts) == found.n == 600
    assert found.count == found.counts[0] + found.counts[5]


def test_a_heap_below_the_target_shows_and_rounding_feigns_none() -> None:
    assert heap(KIND).p < 0.001
    assert heap(ROUND).p > 0.5
    assert heap([10 * round(step / 10) for step in HONEST], 130).p > 0.5


def test_a_steep_slope_is_no_heap() -> None:
    """Far below the target each value is rarer than the one before it, and that is all."""
    low = [round(RANDOM.gauss(122, 9)) for _ in range(4000)]
    found = heap(low)
    assert found.below > 1.2 * found.at_or_above
    assert found.p > 0.05


def test_the_exact_test_is_exact() -> None:
    """By counting every way to place a few values in four bands."""
    values = [131] * 6 + [133] * 8 + [135] * 3 + [137] * 3
    bands = [(value - 135) // 2 + 2 for value in values]
    n, total, upper = len(bands), sum(bands), sum(band >= 2 for band in bands)
    ways: dict[int, int] = {}
    for d in range(n + 1):
        for c in range(n + 1 - d):
            for b in range(n + 1 - d - c):
                if b + 2 * c + 3 * d == total:
                    placed = comb(n, d) * comb(n - d, c) * comb(n - d - c, b)
                    ways[c + d] = ways.get(c + d, 0) + placed
    exact = sum(w for u, w in ways.items() if u <= upper) / sum(ways.values())
    assert heap(values).p == pytest.approx(exact, rel=1e-9)


def test_glucose_is_looked_at_in_its_last_digit() -> None:
    steps = [round(RANDOM.gauss(74, 12)) for _ in range(900)]
    honest = heap(steps, 7.0, "mmol/L")
    kind = heap(
        [69 if s in (70, 71) and RANDOM.random() < 0.5 else s for s in steps], 7.0, "mmol/L"
    )
    assert honest.p > 0.05
    assert kind.p < 0.001


@given(st.lists(st.integers(40, 260), max_size=80), st.integers(60, 200))
def test_whatever_was_typed_has_an_answer(steps: list[int], target: int) -> None:
    found = examine(steps, target, "mmHg")
    for part in (found.digits, found.heap):
        if isinstance(part, NotEnough):
            assert part.n < VALUES_MIN
        else:
            assert 0 <= part.p <= 1
            assert part.n >= VALUES_MIN
            for language in ("zh", "en"):
                assert "p" in part.text(language)


def test_few_values_say_nothing() -> None:
    assert examine([130] * 19, 135, "mmHg").digits == NotEnough(19)
    assert examine([130] * 30, None, "mmHg").heap == NotEnough(0)


def test_a_team_together_and_each_alone() -> None:
    team, alone = examine_team({"a": ROUND[:200], "b": HONEST[:200], "c": [130]}, 135, "mmHg")
    assert isinstance(team.digits, RoundDigits)
    assert team.digits.n == 401
    assert alone["c"].digits == NotEnough(1)
    assert isinstance(alone["a"].digits, RoundDigits)


def test_only_what_was_typed_counts_in_its_own_unit() -> None:
    typed = replace(bp(140, 90, t("08:00")), source=MANUAL)
    kpa = replace(bp(18.7, 12.0, t("09:00"), unit="kPa"), source=MANUAL)
    sensed, wrong = bp(150, 90, t("10:00")), replace(typed, plausible=False)
    readings = [typed, kpa, sensed, wrong]
    assert typed_steps(readings, "systolic", "mmHg") == [140]
    assert typed_steps(readings, "systolic", "kPa") == [187]
    meter = replace(sugar(7.1, t("08:00")), source=MANUAL)
    assert typed_steps([meter], "glucose", "mmol/L") == [71]


def test_the_words_give_figures_and_accuse_nobody() -> None:
    line = digits(ROUND).text("en")
    assert line.startswith(f"{digits(ROUND).count} of 600 typed values end in 0 or 5")
    assert "p<0.001" in line
    for word in ("fake", "false", "cheat", "造假", "虚假"):
        assert word not in line + heap(KIND).text("zh") + digits(ROUND).text("zh")
