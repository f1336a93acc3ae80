"""A period of days on the clock of a zone, as two moments between which readings are looked for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from yikao_alerts.daily.columns import DAY_BEGINS, MORNING_MINUTES
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_ingest", "queries/queries.sql")
DAYS_MAX: Final = 3 * 366
"""Longest period that is answered: who wants more asks several times."""
BEGINS: Final = timedelta(minutes=DAY_BEGINS)
"""A day of measuring begins so long after midnight: what is measured before ends the last one."""
MORNING: Final = timedelta(minutes=MORNING_MINUTES)


class UnknownError(LookupError):
    """There is no such team or resident."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included.

    Refuses with `ValueError` one that ends before it begins or has more than `DAYS_MAX` days.
    """

    first: date
    last: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < DAYS_MAX:
            raise ValueError(f"a period has 1 to {DAYS_MAX} days")

    @property
    def midnights(self) -> dict[str, datetime]:
        """Return its bounds, for statements on days of the calendar."""
        return self._bounds(timedelta(0))

    @property
    def mornings(self) -> dict[str, datetime]:
        """Return its bounds, for statements on days of measuring."""
        return self._bounds(BEGINS)

    @property
    def hours(self) -> dict[str, datetime]:
        """Return its bounds, moved to full hours of UTC."""
        return {name: at.astimezone(UTC).replace(minute=0) for name, at in self.midnights.items()}

    def _bounds(self, after: timedelta) -> dict[str, datetime]:
        begins = datetime.combine(self.first, time(), self.zone) + after
        ends = datetime.combine(self.last + timedelta(days=1), time(), self.zone) + after
        return {"begins": begins, "ends": ends}


async def rows_of(conn: AsyncConnection, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of one of our statements."""
    return await (await conn.execute(SQL[statement], values, binary=True)).fetchall()


async def zone_of(conn: AsyncConnection, patient_id: int) -> ZoneInfo:
    """Return a resident's zone; refuses with `UnknownError` who does not exist."""
    rows = await rows_of(conn, "resident", patient_id=patient_id)
    if not rows:
        raise UnknownError(f"there is no resident {patient_id}")
    return ZoneInfo(rows[0][0])


async def team_of(conn: AsyncConnection, team_id: str) -> tuple[ZoneInfo, list[int]]:
    """Return a team's zone and its residents; refuses with `UnknownError` one that is not there."""
    rows = await rows_of(conn, "team", team_id=team_id)
    if not rows:
        raise UnknownError(f"there is no team {team_id}")
    return ZoneInfo(rows[0][0]), rows[0][1]
