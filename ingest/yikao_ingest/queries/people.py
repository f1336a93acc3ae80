"""A team at a glance, a resident in detail: latest values, day parts, adherence, gaps, silence."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from psycopg import AsyncConnection

from yikao_alerts.history import BLOOD_PRESSURE
from yikao_ingest.queries.periods import BEGINS, MORNING, Period, rows_of, team_of, zone_of

EVERY_DAY: Final = frozenset(range(7))
"""Weekdays; Monday is 0."""


class Latest(NamedTuple):
    """The newest reading of one kind of a resident, in mmHg, 1/min, mmol/L, kg, degrees C, %.

    A tuple: thousands are made for one page.
    """

    patient_id: int
    code: str
    kind: str
    time: datetime
    unit: str
    systolic: float | None
    diastolic: float | None
    pulse: float | None
    glucose: float | None
    meal: str | None
    flags: list[str]
    weight: float | None
    temperature: float | None
    spo2: float | None


@dataclass(frozen=True, slots=True)
class Vital:
    """A weight, a temperature, an oxygen saturation or a heart rate: in kg, degrees C, %, 1/min.

    unit: the device's own. place: `home` or `office`.
    """

    time: datetime
    unit: str
    weight: float | None
    temperature: float | None
    spo2: float | None
    pulse: float | None
    flags: list[str]
    place: str


@dataclass(frozen=True, slots=True)
class DayPart:
    """The morning or the evening of a day of a resident: how many readings, and their means.

    A day begins at four; in mmHg, 1/min, mmol/L.
    """

    day: date
    part: str
    readings: int
    systolic: float | None
    diastolic: float | None
    pulse: float | None
    glucose: float | None


@dataclass(frozen=True, slots=True)
class Adherence:
    """On how many of the days that were asked for a resident measured."""

    patient_id: int
    code: str
    measured_days: int
    asked_days: int

    @property
    def share(self) -> float | None:
        """Return it from 0 to 1; None where nothing was asked for."""
        return self.measured_days / self.asked_days if self.asked_days else None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a reading: from one to the next, or to an end of the period asked about."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Silent:
    """A resident of whom nothing has come that rules look at; last_at: None for never."""

    patient_id: int
    code: str
    last_at: datetime | None


async def latest(conn: AsyncConnection, team_id: str) -> list[Latest]:
    """Return the newest reading of each kind of all residents of a team, by code and kind."""
    return [Latest._make(row) for row in await rows_of(conn, "latest", team_id=team_id)]


async def day_parts(
    conn: AsyncConnection, patient_id: int, first: date, last: date, kind: str = BLOOD_PRESSURE
) -> list[DayPart]:
    """Return the mornings and evenings with a reading from day `first` to day `last`, in order."""
    period = Period(first, last, await zone_of(conn, patient_id))
    rows = await rows_of(
        conn,
        "day_parts",
        patient_id=patient_id,
        kind=kind,
        zone=period.zone.key,
        day_begins=BEGINS,
        morning=MORNING,
        **period.mornings,
    )
    return [DayPart(*row) for row in rows]


async def vitals(
    conn: AsyncConnection, patient_id: int, first: date, last: date, kind: str
) -> list[Vital]:
    """Return a resident's readings of a kind that no rule looks at, from day `first` to `last`."""
    period = Period(first, last, await zone_of(conn, patient_id))
    rows = await rows_of(conn, "vitals", patient_id=patient_id, kind=kind, **period.mornings)
    return [Vital(*row) for row in rows]


async def adherence(
    conn: AsyncConnection,
    team_id: str,
    first: date,
    last: date,
    *,
    kind: str = BLOOD_PRESSURE,
    weekdays: Collection[int] = EVERY_DAY,
) -> list[Adherence]:
    """Return how far each resident of a team measured on the `weekdays` from `first` to `last`.

    What was before somebody was enrolled is not asked for.
    """
    zone, patients = await team_of(conn, team_id)
    period = Period(first, last, zone)
    rows = await rows_of(
        conn,
        "measured_days",
        team_id=team_id,
        patients=patients,
        kind=kind,
        zone=zone.key,
        day_begins=BEGINS,
        weekdays=[day + 1 for day in weekdays],
        **period.mornings,
    )
    return [
        Adherence(
            patient_id, code, measured, asked_days(max(first, since or first), last, weekdays)
        )
        for patient_id, code, since, measured in rows
    ]


def asked_days(first: date, last: date, weekdays: Collection[int] = EVERY_DAY) -> int:
    """Return how many days from `first` to `last`, both included, fall on one of `weekdays`."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return sum(day.weekday() in weekdays for day in days)


async def gaps(
    conn: AsyncConnection,
    patient_id: int,
    since: datetime,
    until: datetime,
    longer_than: timedelta,
    kind: str = BLOOD_PRESSURE,
) -> list[Gap]:
    """Return the times between `since` and `until` in which nothing came for longer than that."""
    rows = await rows_of(
        conn,
        "gaps",
        patient_id=patient_id,
        kind=kind,
        since=since,
        until=until,
        longer_than=longer_than,
    )
    return [Gap(*row) for row in rows]


async def silent(conn: AsyncConnection, team_id: str, since: datetime) -> list[Silent]:
    """Return the residents of a team who have measured neither pressure nor glucose since then, the
    longest first."""
    rows = await rows_of(conn, "silent", team_id=team_id, since=since)
    return [Silent(*row) for row in rows]
