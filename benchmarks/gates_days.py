"""A town as the daily lane sees it: morning and evening means, day by day."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from yikao_alerts.daily.evening import daily_values
from yikao_alerts.daily.parameters import PRESSURE
from yikao_alerts.daily.season import Season
from yikao_alerts.daily.trend import DayParts
from yikao_sim.town.people import Start, Town
from yikao_sim.town.readings import block_of

Advanced = Callable[[int], None]
REFERENCE_PEOPLE = 2000
YEAR_DAYS = 366
REFERENCE_SEED = 1_000_003
"""The panel that the season is learned from shares nobody with the town under test."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days of people `(n, d)`, all beginning on day 0 of their runs; NaN where not measured."""

    parts: DayParts
    level: np.ndarray
    """The true usual level."""
    stratum: np.ndarray
    readings: np.ndarray
    """How many readings each day has."""
    total: np.ndarray
    """Their sum, mmHg."""
    phase: np.ndarray
    """Day of the year on which each person's run starts."""


def days_of(town: Town, advanced: Advanced = lambda people: None) -> Days:
    """Return the days of a town; `advanced` is told how many people were made."""
    made = [_block_days(town, number, advanced) for number in range(town.blocks)]
    am, pm, level, readings, total = (
        np.asfortranarray(np.concatenate([block[column] for block in made])) for column in range(5)
    )
    stratum, phase = (np.concatenate([block[column] for block in made]) for column in (5, 6))
    return Days(DayParts(0, am, pm), level, stratum, readings, total, phase)


def _block_days(town: Town, number: int, advanced: Advanced) -> tuple[np.ndarray, ...]:
    block = block_of(town, number)
    taken = ~np.isnan(block.systolic)
    with np.errstate(invalid="ignore"):
        sessions = np.where(taken, block.systolic, 0).sum(axis=3) / taken.sum(axis=3)
    advanced(town.size(number))
    return (
        sessions[:, :, 0].astype(np.float64),
        sessions[:, :, 1].astype(np.float64),
        block.usual_level.astype(np.float64),
        taken.sum(axis=(2, 3)),
        np.where(taken, block.systolic, 0).sum(axis=(2, 3), dtype=np.float64),
        block.people.stratum,
        block.people.phase.astype(int),
    )


@cache
def season_of(days: int, seed: int, start: Start) -> Season:
    """Return the season index of a panel of other people; a calendar's when starts are uniform."""
    made = days_of(Town(REFERENCE_PEOPLE, days, REFERENCE_SEED + seed, start=start))
    parts = on_calendar(made) if start == "uniform" else made.parts
    return Season.of(0, daily_values(parts.am, parts.pm, PRESSURE))


def on_calendar(days: Days) -> DayParts:
    """Return the days of people who each start on a day of their own, on one calendar."""
    people, length = days.parts.am.shape
    calendar = [np.full((people, length + YEAR_DAYS), np.nan, order="F") for _ in range(2)]
    rows, columns = _own_places(days)
    for placed, own in zip(calendar, (days.parts.am, days.parts.pm), strict=True):
        placed[rows, columns] = own
    return DayParts(0, *calendar)


def off_calendar(days: Days, numbers: np.ndarray) -> np.ndarray:
    """Return numbers of a calendar `(n, days)` again as days of each person's own run."""
    return numbers[_own_places(days)]


def _own_places(days: Days) -> tuple[np.ndarray, np.ndarray]:
    people, length = days.parts.am.shape
    return np.arange(people)[:, None], days.phase[:, None] + np.arange(length)
