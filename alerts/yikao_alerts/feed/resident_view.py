"""A resident's last two weeks, day by day, and what the last seven days come to.

A mean carries how many readings it was made of, and is not given from too few.
Source of the least numbers: NICE NG136 and Chinese home-pressure guidance, 12 readings on 3 days.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import fmean
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.feed import show
from yikao_alerts.feed.rows import ReadingRow
from yikao_alerts.feed.words import Words
from yikao_alerts.history import BLOOD_PRESSURE, JUDGED

MEAN_OVER: Final = timedelta(days=7)
READINGS_MIN: Final = 12
DAYS_MIN: Final = 3
DAY_BEGINS: Final = timedelta(hours=4)
"""An evening that lasts past midnight belongs to the day it began."""
MORNING_HOURS: Final = 8
"""After `DAY_BEGINS`: until noon."""
HOME_BAND: Final = (85.0, 135.0)
"""mmHg, where a resident has no target. Source: 中国高血压防治指南2024, home pressure 135/85."""


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
class Cell:
    """The mean of one morning or evening; `beyond` when it reaches the home limit."""

    text: str
    readings: int
    beyond: bool


@dataclass(frozen=True, slots=True)
class DiaryDay:
    """One line of the week's diary; None where nothing was measured."""

    label: str
    morning: Cell | None
    evening: Cell | None


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean blood pressure of seven days, in mmHg; `text` None where there are too few."""

    text: str | None
    readings: int
    days: int


def days_of(readings: Sequence[ReadingRow], words: Words, zone: str) -> list[Day]:
    """Return the readings by day in `zone`; they come with the newest first."""
    grouped = groupby(map(_shown, readings), key=lambda item: show.day(words, item.row.time, zone))
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


def week_of(
    readings: Sequence[ReadingRow],
    now: datetime,
    zone: str,
    words: Words,
    band: tuple[float, float],
) -> list[DiaryDay]:
    """Return the last seven days with their mean morning and evening pressures, gaps as gaps.

    band: the home limits, diastolic and systolic, in mmHg.
    """
    today = show.date_in(now, zone)
    days = [today - timedelta(days=n) for n in range(MEAN_OVER.days)]
    found: dict[tuple[date, bool], list[tuple[float, float]]] = {}
    for row in readings:
        if row.systolic_mmhg is not None and row.diastolic_mmhg is not None:
            place = part_of(row.time, zone)
            found.setdefault(place, []).append((row.systolic_mmhg, row.diastolic_mmhg))
    return [
        DiaryDay(
            show.date_text(words, day),
            _cell(found.get((day, True), ()), band),
            _cell(found.get((day, False), ()), band),
        )
        for day in days
    ]


def part_of(at: datetime, zone: str) -> tuple[date, bool]:
    """Return the home's day of a time, which begins at 04:00, and whether it is its morning."""
    local = at.astimezone(ZoneInfo(zone)) - DAY_BEGINS
    return local.date(), local.hour < MORNING_HOURS


def _cell(pressures: Sequence[tuple[float, float]], band: tuple[float, float]) -> Cell | None:
    if not pressures:
        return None
    upper, lower = (fmean(values) for values in zip(*pressures, strict=True))
    return Cell(f"{upper:.0f}/{lower:.0f}", len(pressures), upper >= band[1] or lower >= band[0])


def counted(readings: Sequence[ReadingRow], apart: Set[datetime]) -> list[ReadingRow]:
    """Return the readings that means are made of: without those that are, or may be, another's."""
    return [row for row in readings if row.kind != BLOOD_PRESSURE or row.time not in apart]


def latest_of(readings: Sequence[ReadingRow]) -> list[Shown]:
    """Return the newest reading of each kind; of one kind they come with the newest first."""
    newest = {row.kind: row for row in reversed(readings)}
    return [_shown(newest[kind]) for kind in sorted(newest)]


def vitals_of(vitals: Sequence[ReadingRow]) -> list[tuple[str, list[Shown]]]:
    """Return each kind that no rule looks at, with its readings; they come kind by kind."""
    grouped = groupby(vitals, key=lambda row: row.kind)
    return [(kind, [_shown(row) for row in rows]) for kind, rows in grouped]


def _shown(row: ReadingRow) -> Shown:
    if row.kind in JUDGED:
        return Shown(row, show.value_of(row, row.unit, row.flags))
    return Shown(row, show.vital_of(row, row.unit))
