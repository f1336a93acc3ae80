"""A resident's last two weeks, day by day, and what the last seven days come to.

A mean carries how many readings it was made of, and is not given from too few.
Source of the least numbers: NICE NG136 and Chinese home-pressure guidance, 12 readings on 3 days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from statistics import fmean
from typing import Final

from yikao_alerts.feed import show
from yikao_alerts.feed.rows import ReadingRow
from yikao_alerts.feed.words import Words

MEAN_OVER: Final = timedelta(days=7)
READINGS_MIN: Final = 12
DAYS_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """One reading as written."""

    row: ReadingRow
    value: show.Value


@dataclass(frozen=True, slots=True)
class Day:
    """The readings of one day, the newest first."""

    label: str
    readings: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean blood pressure of seven days, in mmHg; `text` None where there are too few."""

    text: str | None
    readings: int
    days: int


def days_of(readings: Sequence[ReadingRow], words: Words, zone: str) -> list[Day]:
    """Return the readings by day in `zone`; they come with the newest first."""
    shown = [Shown(row, show.value_of(row, row.unit, row.flags)) for row in readings]
    grouped = groupby(shown, key=lambda item: show.day(words, item.row.time, zone))
    return [Day(label, tuple(items)) for label, items in grouped]


def mean_of(readings: Sequence[ReadingRow], now: datetime, zone: str) -> Mean:
    """Return the mean blood pressure of the last seven days."""
    pressures = [
        (row.systolic_mmhg, row.diastolic_mmhg, show.date_in(row.time, zone))
        for row in readings
        if row.systolic_mmhg is not None
        and row.diastolic_mmhg is not None
        and row.time > now - MEAN_OVER
    ]
    days = len({date for _, _, date in pressures})
    if len(pressures) < READINGS_MIN or days < DAYS_MIN:
        return Mean(None, len(pressures), days)
    upper = fmean(systolic for systolic, _, _ in pressures)
    lower = fmean(diastolic for _, diastolic, _ in pressures)
    return Mean(f"{upper:.0f}/{lower:.0f}", len(pressures), days)


def latest_of(readings: Sequence[ReadingRow]) -> list[Shown]:
    """Return the newest reading of each kind."""
    newest = {row.kind: row for row in reversed(readings)}
    return [
        Shown(newest[kind], show.value_of(newest[kind], newest[kind].unit, newest[kind].flags))
        for kind in sorted(newest)
    ]
