"""Days and hours of a resident or a team, summed up, without a hole: a day with nothing is there.

They come from the roll-ups. Those have days of one zone; days of another are made of the readings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Self

from psycopg import AsyncConnection, sql

from yikao_alerts.history import BLOOD_PRESSURE
from yikao_ingest.queries.periods import SQL, Period, team_of, zone_of

ROLLUP_ZONE: Final = "Asia/Shanghai"
"""Whose days the daily roll-up has (migration 0009)."""


@dataclass(frozen=True, slots=True)
class Values:
    """Of one kind of value: how many, their mean, the lowest and the highest."""

    count: int
    mean: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Sum:
    """A day or an hour, from `begins` on, on the clock of the zone.

    residents: who measured. Pressures in mmHg, pulse in 1/min, glucose in mmol/L; None for nothing.
    """

    begins: datetime
    residents: int
    readings: int
    systolic: Values | None
    diastolic: Values | None
    pulse: Values | None
    glucose: Values | None

    @classmethod
    def of(cls, row: Sequence[Any], period: Period) -> Self:
        """Return a row of the statements `days`, `days_of_readings` and `hours`."""
        begins, residents, readings, pressures, *values = row
        systolic, diastolic, (pulses, *pulse) = values[:3], values[3:6], values[6:10]
        glucoses, *glucose = values[10:]
        return cls(
            begins.astimezone(period.zone),
            residents,
            int(readings),
            _values(pressures, *systolic),
            _values(pressures, *diastolic),
            _values(pulses, *pulse),
            _values(glucoses, *glucose),
        )


def _values(
    count: int | None, total: float | None, lowest: float | None, highest: float | None
) -> Values | None:
    if not count or total is None or lowest is None or highest is None:
        return None
    return Values(int(count), total / int(count), lowest, highest)


async def resident_days(
    conn: AsyncConnection, patient_id: int, first: date, last: date, kind: str = BLOOD_PRESSURE
) -> list[Sum]:
    """Return each day from `first` to `last` of a resident, in the zone of the team."""
    period = Period(first, last, await zone_of(conn, patient_id))
    return await _days(conn, [patient_id], period, kind)


async def team_days(
    conn: AsyncConnection, team_id: str, first: date, last: date, kind: str = BLOOD_PRESSURE
) -> list[Sum]:
    """Return each day from `first` to `last` of all residents of a team together."""
    zone, patients = await team_of(conn, team_id)
    return await _days(conn, patients, Period(first, last, zone), kind)


async def resident_hours(
    conn: AsyncConnection, patient_id: int, first: date, last: date, kind: str = BLOOD_PRESSURE
) -> list[Sum]:
    """Return each hour of the days from `first` to `last` of a resident.

    Hours are those of UTC: in a zone that is half an hour apart they begin at half past.
    """
    period = Period(first, last, await zone_of(conn, patient_id))
    values = {"patients": [patient_id], "kind": kind, **period.hours}
    return [Sum.of(row, period) for row in await _sums(conn, "each_hour", "hourly", values)]


async def _days(conn: AsyncConnection, patients: list[int], period: Period, kind: str) -> list[Sum]:
    values = {
        "patients": patients,
        "kind": kind,
        "zone": period.zone.key,
        "first": period.first,
        "last": period.last,
        **period.midnights,
    }
    rows = "daily" if period.zone.key == ROLLUP_ZONE else "daily_of_readings"
    return [Sum.of(row, period) for row in await _sums(conn, "each_day", rows, values)]


async def _sums(
    conn: AsyncConnection, calendar: str, rows: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return what stands in `rows`, summed over residents, beside each time of `calendar`."""
    parts = {"calendar": sql.SQL(SQL[calendar]), "rows": sql.SQL(SQL[rows])}
    return await (await conn.execute(sql.SQL(SQL["sums"]).format(**parts), values)).fetchall()
