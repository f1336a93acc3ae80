"""Closing days for many residents at once: means, trends and levels from where they last stood.

The fold over days begins at a checkpoint, a day on which every state was written down; a late
reading makes it begin at the last one before the touched day. The same functions as in a back-test,
over the same days: every number is the same, to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Self, TypeVar

import numpy as np

from yikao_alerts.daily import level, trend
from yikao_alerts.daily.arrays import Floats, Marks
from yikao_alerts.daily.evening import differences, on_evening_scale
from yikao_alerts.daily.glucose_days import GlucoseDays
from yikao_alerts.daily.grid import Grid
from yikao_alerts.daily.level import LevelNumbers, LevelState
from yikao_alerts.daily.parameters import (
    DIASTOLIC_LEVEL,
    GLUCOSE,
    GLUCOSE_INSULIN,
    PRESSURE,
    SYSTOLIC_LEVEL,
    TrendParameters,
)
from yikao_alerts.daily.season import Season
from yikao_alerts.daily.sessions import PressureDays
from yikao_alerts.daily.trend import DayParts, TrendNumbers
from yikao_alerts.daily.trend_state import StaleStateError, TrendState

CHECKPOINT_D: Final = 28
"""States are written down on the days whose number, since 1970-01-01, this divides."""
WINDOW_D: Final = 61
"""The longest look back of a rule or a profile, in days: 56, and 60 of the own profile."""
SIGNALS: Final = ("systolic", "fasting", "systolic_level", "diastolic_level")

_Made = TypeVar("_Made")


def checkpoint_before(day: int) -> int:
    """Return the checkpoint from which `day` can be closed, with all that rules look back on."""
    return (day - WINDOW_D - 1) // CHECKPOINT_D * CHECKPOINT_D


@dataclass(frozen=True, slots=True)
class States:
    """Where the trends and levels of n residents stand after a day. insulin: whether they use it:
    the scatter of their fasting values is another one."""

    insulin: bool
    systolic: TrendState
    fasting: TrendState
    systolic_level: LevelState
    diastolic_level: LevelState

    @classmethod
    def new(cls, residents: int, day: int, *, insulin: bool) -> Self:
        """Return the states of residents of whom nothing is known at the end of `day`."""
        return cls(
            insulin,
            TrendState.new(residents, day, PRESSURE),
            TrendState.new(residents, day, fasting_parameters(insulin)),
            LevelState.new(residents, day, SYSTOLIC_LEVEL),
            LevelState.new(residents, day, DIASTOLIC_LEVEL),
        )

    @classmethod
    def read(
        cls, stored: Sequence[Mapping[str, bytes]], day: int, *, insulin: bool
    ) -> tuple[Self, list[int]]:
        """Return the states of everybody, and the rows of those that cannot be continued.

        stored: by signal, empty for residents who had not measured yet.
        """
        stale, parts = [], []
        for row, states in enumerate(stored):
            part = cls.new(1, day, insulin=insulin)
            if states:
                try:
                    part = cls._one(states, insulin)
                except (StaleStateError, KeyError):
                    stale.append(row)
            parts.append(part)
        return stacked(parts), stale

    @classmethod
    def _one(cls, stored: Mapping[str, bytes], insulin: bool) -> Self:
        return cls(
            insulin,
            TrendState.from_bytes(stored["systolic"], PRESSURE),
            TrendState.from_bytes(stored["fasting"], fasting_parameters(insulin)),
            LevelState.from_bytes(stored["systolic_level"], SYSTOLIC_LEVEL),
            LevelState.from_bytes(stored["diastolic_level"], DIASTOLIC_LEVEL),
        )

    def to_bytes(self, row: int) -> dict[str, bytes]:
        """Return one resident's states by signal."""
        return {
            "systolic": self.systolic.to_bytes(row, PRESSURE),
            "fasting": self.fasting.to_bytes(row, fasting_parameters(self.insulin)),
            "systolic_level": self.systolic_level.to_bytes(row, SYSTOLIC_LEVEL),
            "diastolic_level": self.diastolic_level.to_bytes(row, DIASTOLIC_LEVEL),
        }

    @property
    def day(self) -> int:
        """The day after which they stand so."""
        return self.systolic.day


def fasting_parameters(insulin: bool) -> TrendParameters:
    """Return the parameters of the trend of fasting glucose."""
    return GLUCOSE_INSULIN if insulin else GLUCOSE


@dataclass(frozen=True, slots=True)
class Told:
    """What people did that the trends must know: (n, days) marks, of pressures and of glucose."""

    pressure: Marks
    glucose: Marks


@dataclass(frozen=True, slots=True)
class Closed:
    """Closed days: the grid that worklist rules look at, the daily systolic values (n, days) with
    the season still in them, what people had done, and the states of each checkpoint passed."""

    grid: Grid
    values: Floats
    told: Told
    checkpoints: tuple[States, ...]


def close(
    states: States, pressure: PressureDays, glucose: GlucoseDays, told: Told, season: Season
) -> Closed:
    """Return the days of `pressure` and `glucose` closed, which follow the day of `states`."""
    systolic, diastolic = pressure.systolic(), pressure.diastolic()
    fasting, days = glucose.logarithm(), pressure.am.shape[1]
    numbers: list[tuple[TrendNumbers, TrendNumbers, LevelNumbers, LevelNumbers]] = []
    checkpoints, begin, first = [], 0, states
    for end in _segments(pressure.first_day, days):
        span = slice(begin, end)
        up, up_numbers = trend.run(
            _of(systolic, span), season, marks=told.pressure[:, span], state=first.systolic
        )
        sugar, sugar_numbers = trend.run(
            _of(fasting, span),
            marks=told.glucose[:, span],
            state=first.fasting,
            parameters=fasting_parameters(states.insulin),
        )
        high, high_numbers = level.run(_of(systolic, span), state=first.systolic_level)
        low, low_numbers = level.run(
            _of(diastolic, span), state=first.diastolic_level, parameters=DIASTOLIC_LEVEL
        )
        first = States(states.insulin, up, sugar, high, low)
        numbers.append((up_numbers, sugar_numbers, high_numbers, low_numbers))
        if first.day % CHECKPOINT_D == 0:
            checkpoints.append(first)
        begin = end
    whole = [_side_by_side(part) for part in zip(*numbers, strict=True)]
    grid = Grid(pressure.first_day, days, pressure, glucose, None, *whole)
    return Closed(grid, daily_values(states, pressure), told, tuple(checkpoints))


def daily_values(states: States, pressure: PressureDays) -> Floats:
    """Return the daily systolic values (n, days) on the evening scale, mmHg."""
    difference, both = differences(pressure.am, pressure.pm, PRESSURE)
    sums = _added_up(states.systolic.offset_sum, difference)
    count = _added_up(states.systolic.offset_days, both)
    return on_evening_scale(pressure.am, pressure.pm, sums, count, PRESSURE)


def _added_up(before: Floats, values: Floats) -> Floats:
    """Return the sums up to each day, added from first to last as the fold does."""
    whole = np.concatenate([before[:, None], values], axis=1)
    return np.asarray(np.cumsum(whole, axis=1)[:, 1:])


def _segments(first_day: int, days: int) -> list[int]:
    """Return the columns before which a segment ends: after each checkpoint, and at the end."""
    ends = [c + 1 for c in range(days) if (first_day + c) % CHECKPOINT_D == 0]
    return ends if ends and ends[-1] == days else [*ends, days]


def _of(parts: DayParts, span: slice) -> DayParts:
    return DayParts(parts.first_day + span.start, parts.am[:, span], parts.pm[:, span])


def _side_by_side(parts: Sequence[_Made]) -> _Made:
    """Return numbers of consecutive days as one."""
    first = parts[0]
    columns = {
        field.name: np.asfortranarray(
            np.concatenate([getattr(part, field.name) for part in parts], axis=1)
        )
        for field in fields(first)  # type: ignore[arg-type]  # numbers are dataclasses
    }
    return type(first)(**columns)


def stacked(parts: Sequence[_Made]) -> _Made:
    """Return states of different residents, all after the same day, as one."""
    values: dict[str, Any] = {}
    first = parts[0]
    for field in fields(first):  # type: ignore[arg-type]  # states are dataclasses
        own = [getattr(part, field.name) for part in parts]
        if isinstance(own[0], np.ndarray):
            values[field.name] = np.concatenate(own)
        elif is_dataclass(own[0]):
            values[field.name] = stacked(own)
        elif isinstance(own[0], tuple):
            values[field.name] = tuple(
                tuple(np.concatenate(each) for each in zip(*slot, strict=True))
                for slot in zip(*own, strict=True)
            )
        else:
            values[field.name] = own[0]
    return type(first)(**values)
