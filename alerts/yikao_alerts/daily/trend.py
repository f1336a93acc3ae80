"""Has this resident's pressure (or fasting glucose) left its own usual level, and which way?

Each day's value is compared with the resident's own baseline, which lags two weeks behind; small
surprises in the same direction are added up (a CUSUM) until the sum reaches a limit. One wild
value can never do it. Source: Page 1954, Biometrika 41(1/2); parameters: `parameters.py`.
"""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from yikao_alerts.daily import cusum
from yikao_alerts.daily.arrays import (
    NEVER,
    Days,
    Flags,
    Floats,
    Marks,
    Small,
)
from yikao_alerts.daily.baseline import Compared, compare, learn
from yikao_alerts.daily.evening import differences, on_evening_scale
from yikao_alerts.daily.parameters import PRESSURE, TrendParameters
from yikao_alerts.daily.season import Season
from yikao_alerts.daily.trend_marks import marked
from yikao_alerts.daily.trend_state import TrendState

_LAST_28: Final = np.uint32(2**28 - 1)
_ONE: Final = np.uint32(1)
_NO_VALUE: Final = -1e6
"""In place of NaN where arithmetic follows, in which it counts zero times; no value is so low."""


@dataclass(frozen=True, slots=True)
class DayParts:
    """Morning and evening values (residents, days) from `first_day` (days since 1970-01-01)."""

    first_day: int
    am: Floats
    pm: Floats


@dataclass(frozen=True, slots=True)
class DayInput:
    """One local day of n residents, NaN where there is nothing; marks are bits of `Mark`."""

    am: Floats
    pm: Floats
    index: float | Floats = 0.0
    """What the season adds to everybody today; subtracted."""
    indexed: bool | Flags = False
    """Whether there is an index for the panel today: it decides which limits hold."""
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class TrendNumbers:
    """What a day gave, all (n,), or many days, all (n, days); NaN where it is not known."""

    value: Floats
    """The daily value on the evening scale, season taken out."""
    baseline: Floats
    spread: Floats
    """The resident's own day-to-day SD."""
    z: Floats
    up: Floats
    """Sum of upward surprises, before an alarm sets it to zero."""
    down: Floats
    limit: Floats
    alarm: Small
    """1 upward, -1 downward, 0 none."""
    shift: Floats
    """On an alarm: mean of the days since the sum was last zero, minus the baseline."""
    shift_days: Floats
    """On an alarm: how many days with readings that mean has."""
    since: Days
    """On an alarm: the first of those days; else 0."""
    ask: Flags
    """The resident may be asked for a 2 x 2 series today."""


_NUMBERS: Final = tuple(field.name for field in fields(TrendNumbers))


def step(
    state: TrendState, day: DayInput, parameters: TrendParameters = PRESSURE
) -> tuple[TrendState, TrendNumbers]:
    """Return the state after one more calendar day, and the day's numbers (n,).

    Everything is element-wise arithmetic: the result for one resident does not depend on who else
    is in the arrays, to the last bit.
    """
    today = state.day + 1
    if day.marks is not None and day.marks.any():
        state = marked(state, day.marks, today, parameters)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference, both = differences(day.am, day.pm, parameters)
        offset_sum, offset_days = state.offset_sum + difference, state.offset_days + both
        value = on_evening_scale(day.am, day.pm, offset_sum, offset_days, parameters) - day.index
        seen = ~np.isnan(value)
        parts = seen.astype(np.intp) + both.astype(np.intp)
        baseline = learn(state.baseline, *state.ring[0], parameters)
        compared = compare(value, parts, baseline, parameters)
    finite = np.fmax(value, _NO_VALUE)
    weight = np.array([0.0, parameters.part_weight, 1.0]).take(parts)
    first_day = state.first_day
    if (fresh := seen & (first_day == NEVER)).any():
        first_day = np.where(fresh, np.int32(today), first_day)
    state = TrendState(
        day=today,
        first_day=first_day,
        offset_sum=offset_sum,
        offset_days=offset_days,
        baseline=baseline,
        up=state.up,
        down=state.down,
        asked=state.asked,
        recent=((state.recent << _ONE) & _LAST_28) | seen,
        ring=(*state.ring[1:], (finite, weight)),
    )
    return _decided(state, value, compared, seen, day.indexed, parameters)


def run(
    parts: DayParts,
    season: Season | None = None,
    *,
    marks: Marks | None = None,
    state: TrendState | None = None,
    parameters: TrendParameters = PRESSURE,
) -> tuple[TrendState, TrendNumbers]:
    """Return the state after the last day of `parts`, and the numbers (n, days) of all days.

    state: to go on from (its day is the one before `parts`); from nothing when absent.
    marks: (n, days) bits of `Mark`.
    """
    residents, days = parts.pm.shape
    state = state or TrendState.new(residents, parts.first_day - 1, parameters)
    if state.day != parts.first_day - 1:
        raise ValueError(f"the state ends on day {state.day}, the parts begin {parts.first_day}")
    kept = _empty(residents, days)
    for column in range(days):
        index, indexed = season.on(state.day + 1) if season else (0.0, False)
        today = None if marks is None else marks[:, column]
        day = DayInput(parts.am[:, column], parts.pm[:, column], index, indexed, today)
        state, numbers = step(state, day, parameters)
        for name in _NUMBERS:
            getattr(kept, name)[:, column] = getattr(numbers, name)
    return state, kept


def _decided(
    state: TrendState,
    value: Floats,
    compared: Compared,
    seen: Flags,
    indexed: bool | Flags,
    parameters: TrendParameters,
) -> tuple[TrendState, TrendNumbers]:
    """Return the state with today's score added and alarms answered, and the numbers."""
    today, (finite, _) = state.day, state.ring[-1]
    counts = seen & compared.known & (today - state.first_day >= parameters.learning_d)
    z = np.fmax(compared.z, -parameters.score_bound)
    up = cusum.add(state.up, z, finite, counts, today, parameters.slack)
    down = cusum.add(state.down, -z, finite, counts, today, parameters.slack)
    limit = cusum.limits(state.recent, indexed, parameters)
    rises, falls = counts & (up.score >= limit), counts & (down.score >= limit)
    ask = counts & (np.maximum(up.score, down.score) >= parameters.ask_score)
    ask &= today - state.asked >= parameters.rest_d
    numbers = TrendNumbers(
        value,
        compared.level,
        compared.spread,
        compared.z,
        up.score,
        down.score,
        limit,
        *cusum.alarm_of(up, down, rises, falls, today, compared.level),
        ask,
    )
    if numbers.alarm.any():
        rest = cusum.last_rest_day(today + 1, parameters)
        up, down = cusum.restarted(up, rises, rest), cusum.restarted(down, falls, rest)
    asked = np.where(ask, np.int32(today), state.asked) if ask.any() else state.asked
    return replace(state, up=up, down=down, asked=asked), numbers


def _empty(residents: int, days: int) -> TrendNumbers:
    shape = (residents, days)
    kinds = dict.fromkeys(_NUMBERS, np.float64) | {
        "alarm": np.int8,
        "since": np.int32,
        "ask": np.bool_,
    }
    return TrendNumbers(**{name: np.empty(shape, kind, "F") for name, kind in kinds.items()})
