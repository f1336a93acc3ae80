"""The rows behind closed days: readings as columns, states of checkpoints, what is usual.

A batch of residents at a time, in the order of their numbers; the place in it is the row of every
array.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from psycopg import AsyncConnection

from yikao_alerts.closing import States, checkpoint_before
from yikao_alerts.daily.arrays import Marks, whole_by_day
from yikao_alerts.daily.glucose_days import MEALS, GlucoseColumns, Meal
from yikao_alerts.daily.grid import EPOCH
from yikao_alerts.daily.sessions import PressureColumns
from yikao_alerts.daily.trend_marks import Mark
from yikao_alerts.history import BLOOD_PRESSURE, GLUCOSE, UNITS
from yikao_alerts.resident import Resident
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.store_read import resident_of_row

SQL: Final = load_sql_blocks("yikao_ingest", "sql/daily.sql")
AFTER: Final = timedelta(hours=12)
"""Loaded beyond the last day: a session that began in it may go on."""
OLDEST: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

CHANGES: Final = {
    "lowers": Mark.DRUG_LOWERS,
    "raises": Mark.DRUG_RAISES,
    "accepted": Mark.LEVEL_ACCEPTED,
}
"""What a doctor writes down about the treatment, as the trends take it."""

Devices = Mapping[str, tuple[str, str]]
"""Kind and first day of each device, by its address."""


def day_number(day: date) -> int:
    """Return a calendar day as days since 1970-01-01."""
    return (day - EPOCH).days


def calendar_day(number: int) -> date:
    """Return the calendar day of a number of days since 1970-01-01."""
    return EPOCH + timedelta(days=number)


def beginning(day: int, zone: ZoneInfo) -> datetime:
    """Return when a day begins at home: at 04:00."""
    local = calendar_day(day)
    return datetime(local.year, local.month, local.day, 4, tzinfo=zone)


async def rows_of(
    conn: AsyncConnection, statement: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of one named statement."""
    cursor = conn.cursor(binary=True)
    await cursor.execute(SQL[statement], values)
    return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a batch: from the checkpoint `after` to `last`; rules ask from `asked` on."""

    zone: ZoneInfo
    after: int
    asked: int
    last: int

    @property
    def days(self) -> int:
        """How many days are folded."""
        return self.last - self.after

    def values(self, patients: Sequence[int]) -> dict[str, Any]:
        """Return residents and times as the statements take them."""
        return {
            "patients": list(patients),
            "zone": self.zone.key,
            "first": beginning(self.after, self.zone),
            "last": beginning(self.last + 1, self.zone) + AFTER,
            "oldest": OLDEST,
        }


async def pressures(conn: AsyncConnection, patients: Sequence[int], span: Span) -> PressureColumns:
    """Return the cuff readings that count, of a span."""
    rows = await rows_of(conn, "pressures", span.values(patients))
    who, minute, systolic, diastolic, pulse, kpa = _columns(rows, 6)
    return PressureColumns(
        np.array(who, dtype=np.int64),
        np.array(minute, dtype=np.int64),
        np.array(systolic, dtype=np.float64),
        np.array(diastolic, dtype=np.float64),
        np.array(pulse, dtype=np.float64),
        np.array(kpa, dtype=np.bool_),
    )


async def glucoses(conn: AsyncConnection, patients: Sequence[int], span: Span) -> GlucoseColumns:
    """Return the meter readings that count, of a span."""
    rows = await rows_of(conn, "glucoses", span.values(patients))
    who, minute, glucose, meal, mg_dl = _columns(rows, 5)
    return GlucoseColumns(
        np.array(who, dtype=np.int64),
        np.array(minute, dtype=np.int64),
        np.array(glucose, dtype=np.float64),
        np.array([MEALS.get(each, Meal.OTHER) for each in meal], dtype=np.int64),
        np.array(mg_dl, dtype=np.bool_),
    )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


async def residents(
    conn: AsyncConnection, patients: Sequence[int], now: datetime
) -> list[Resident]:
    """Return who they are, in their order."""
    rows = await rows_of(conn, "residents", {"patients": list(patients), "now": now})
    known = {row[0]: resident_of_row(row) for row in rows}
    return [known[patient] for patient in patients]


async def checkpoints(
    conn: AsyncConnection, patients: Sequence[int], asked: Mapping[int, int], zone: ZoneInfo
) -> dict[int, int]:
    """Return the day after which each resident's fold begins.

    The checkpoint before the days that are asked for; the day before the first reading where that
    checkpoint was never written.
    """
    wanted = {patient: checkpoint_before(asked[patient]) for patient in patients}
    missing = []
    for day in sorted(set(wanted.values())):
        group = [patient for patient in patients if wanted[patient] == day]
        values = {"patients": group, "day": calendar_day(day)}
        there = {row[0] for row in await rows_of(conn, "states", values)}
        missing += [patient for patient in group if patient not in there]
    values = {"patients": missing, "zone": zone.key, "oldest": OLDEST}
    for patient, first in await rows_of(conn, "first_readings", values):
        if day_number(first) <= wanted[patient]:
            wanted[patient] = checkpoint_before(day_number(first))
    return wanted


async def states(
    conn: AsyncConnection, patients: Sequence[int], day: int, *, insulin: bool
) -> tuple[States, list[int]]:
    """Return the states after a checkpoint, and the rows of those that cannot be continued."""
    values = {"patients": list(patients), "day": calendar_day(day)}
    found: dict[int, dict[str, bytes]] = {}
    for patient, signal, state in await rows_of(conn, "states", values):
        found.setdefault(patient, {})[signal] = bytes(state)
    stored = [found.get(patient, {}) for patient in patients]
    return States.read(stored, day, insulin=insulin)


async def devices(
    conn: AsyncConnection, patients: Sequence[int], span: Span
) -> dict[int, dict[str, tuple[str, str]]]:
    """Return the devices of each resident, with kind and first day of use, up to the last day."""
    known: dict[int, dict[str, tuple[str, str]]] = {patient: {} for patient in patients}
    values = span.values(patients)
    for patient, before in await rows_of(conn, "habits", values):
        known[patient] |= {address: (kind, day) for address, (kind, day) in before.items()}
    for patient, address, kind, day in await rows_of(conn, "devices_used", values):
        own = known[patient]
        if day_number(day) <= span.last:
            first = min(day.isoformat(), own[address][1]) if address in own else day.isoformat()
            own[address] = kind, first
    return known


def new_devices(known: Sequence[Devices], span: Span) -> Marks:
    """Return (n, days) marks where a cuff not used before begins, but for the first (DQ-07)."""
    marks: Marks = whole_by_day(len(known), span.days, np.uint8)
    for row, own in enumerate(known):
        days = sorted(first for kind, first in own.values() if kind == BLOOD_PRESSURE)
        for first in days[1:]:
            column = day_number(date.fromisoformat(first)) - span.after - 1
            if column >= 0:
                marks[row, column] |= Mark.NEW_DEVICE
    return marks


async def treatment(
    conn: AsyncConnection, patients: Sequence[int], span: Span
) -> tuple[Marks, Marks]:
    """Return (n, days) marks of what doctors changed: for pressures, and for glucose."""
    shape = len(patients), span.days, np.uint8
    marks: dict[str, Marks] = {signal: whole_by_day(*shape) for signal in ("pressure", "glucose")}
    asked = {"patients": list(patients), "after": calendar_day(span.after)}
    for row, signal, change, day in await rows_of(conn, "treatment", asked):
        column = day_number(day) - span.after - 1
        if column < span.days:
            marks[signal][row, column] |= CHANGES[change]
    return marks["pressure"], marks["glucose"]


def unit_habits(
    patients: int, pressure: PressureColumns, glucose: GlucoseColumns
) -> list[dict[str, str]]:
    """Return the unit that each resident has always used in the span, by kind."""
    found: list[dict[str, str]] = [{} for _ in range(patients)]
    sides = (
        (BLOOD_PRESSURE, pressure.resident, pressure.kpa),
        (GLUCOSE, glucose.resident, glucose.mg_dl),
    )
    for kind, who, other in sides:
        assert other is not None, "loaded with their units"
        every = np.bincount(who, minlength=patients)
        second = np.bincount(who[other], minlength=patients)
        for row in np.flatnonzero((every > 0) & ((second == 0) | (second == every))).tolist():
            found[row][kind] = UNITS[kind][int(second[row] > 0)]
    return found
