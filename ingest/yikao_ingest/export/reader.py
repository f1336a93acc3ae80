"""Reads what is to be exported, resident by resident, few rows at a time, all as of one moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import Connection

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.errors import ServerError
from yikao_ingest.export.columns import Resident

SQL: Final = load_sql_blocks("yikao_ingest", "sql/export.sql")
FETCHED: Final = 2_000
"""Rows in memory at a time: the server keeps the rest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose readings, of one resident or a team, from `since` up to `until`."""

    resident: str | None
    team: str | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """Residents in order, and how many readings they have together."""

    residents: tuple[Resident, ...]
    amount: int


def find(conn: Connection, wanted: Wanted) -> Found:
    """Return who is meant; to be called within a transaction, whose moment counts from then on.

    Refuses with `ServerError` a resident or team that is not there.
    """
    conn.execute(SQL["one_moment"])
    if wanted.resident is not None:
        rows = conn.execute(SQL["resident"], {"code": wanted.resident}).fetchall()
        missing = f"no resident {wanted.resident}"
    else:
        rows = conn.execute(SQL["team"], {"team": wanted.team}).fetchall()
        missing = f"no team {wanted.team} with residents"
    if not rows:
        raise ServerError(missing, "name one by the id of the registry")
    residents = tuple(
        Resident(number, code, name, phone, ZoneInfo(zone))
        for number, code, name, phone, zone in rows
    )
    span = {"since": wanted.since, "until": wanted.until}
    values = span | {"patients": [resident.patient_id for resident in residents]}
    row = conn.execute(SQL["amount"], values).fetchone()
    assert row is not None, "a count is one row"
    return Found(residents, int(row[0]))


def readings(conn: Connection, resident: Resident, wanted: Wanted) -> Iterator[Sequence[Any]]:
    """Yield a resident's rows in order of time, from a cursor that stays with the server."""
    values = {
        "patient": resident.patient_id,
        "since": wanted.since,
        "until": wanted.until,
    }
    with conn.cursor(name="export") as cursor:
        cursor.itersize = FETCHED
        yield from cursor.execute(SQL["readings"], values)
