"""For tests of upkeep and of what people ask: readings put into the table as they are."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import TypeVar

from fix_database import Clinic
from psycopg import AsyncConnection, sql

from yikao_alerts.working import connect
from yikao_ingest.partitions import months, partition
from yikao_ingest.upkeep.jobs import refresh
from yikao_ingest.upkeep.rollup import roll_up

T = TypeVar("T")
INSERT = """
    INSERT INTO {} (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,
        pulse_bpm, glucose_mmol_l, glucose_mg_dl, unit, flags, doubt_s, hub_time, received_at)
    SELECT patient_id, time, 1, kind, systolic, diastolic, pulse, mmol, mg, 'mmHg', '{{}}', 0, time,
        time
    FROM unnest(%s::integer[], %s::timestamptz[], %s::text[], %s::float8[], %s::float8[],
                %s::float8[], %s::float8[], %s::float8[])
        AS r (patient_id, time, kind, systolic, diastolic, pulse, mmol, mg)
    ON CONFLICT DO NOTHING
"""

COMPRESS = """
    SELECT compress_chunk(format('%I.%I', chunk_schema, chunk_name)::regclass)
    FROM timescaledb_information.chunks WHERE starts_with(hypertable_name, 'reading')
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A reading, as far as these tests look at it."""

    patient_id: int
    time: datetime
    kind: str = "blood_pressure"
    systolic: float | None = None
    diastolic: float | None = None
    pulse: float | None = None
    mmol_l: float | None = None
    mg_dl: float | None = None


def cuff(patient_id: int, at: datetime, systolic: float, pulse: float | None = 70.0) -> Row:
    """Return a pressure; the diastolic one is 40 below."""
    return Row(patient_id, at, systolic=systolic, diastolic=systolic - 40, pulse=pulse)


def meter(patient_id: int, at: datetime, mmol_l: float | None, mg_dl: float | None = None) -> Row:
    """Return a glucose; without any value it is a meter's HI."""
    return Row(patient_id, at, "glucose", mmol_l=mmol_l, mg_dl=mg_dl)


def is_plain(clinic: Clinic) -> bool:
    """Return whether this is plain PostgreSQL."""
    return bool(clinic.one("SELECT value = 'plain' FROM schema_meta WHERE key = 'mode'"))


def table_of(clinic: Clinic) -> sql.Identifier:
    """Return the table of readings; before it was kept leaner it had the name of the view."""
    kept = clinic.one("SELECT to_regclass('reading_kept') IS NOT NULL")
    return sql.Identifier("reading_kept" if kept else "reading")


def make_months(clinic: Clinic, times: Iterable[datetime]) -> None:
    """Make what plain PostgreSQL needs for readings of these times."""
    if not is_plain(clinic):
        return
    for month in months(times):
        name, begins, ends = partition(month)
        clinic.connection.execute(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})"
            ).format(sql.Identifier(name), table_of(clinic), begins, ends)
        )


def put(clinic: Clinic, *rows: Row) -> None:
    """Store readings in one statement; what is there already stays."""
    make_months(clinic, (row.time for row in rows))
    insert = sql.SQL(INSERT).format(table_of(clinic))
    clinic.connection.execute(insert, [*map(list, zip(*map(astuple, rows), strict=True))])


def compress(clinic: Clinic) -> int:
    """Compress all readings where TimescaleDB keeps them; return in how many pieces they are."""
    return 0 if is_plain(clinic) else len(clinic.rows(COMPRESS))


def does(clinic: Clinic, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Do something on a connection of its own."""

    async def run() -> T:
        async with await connect(clinic.dsn) as conn:
            return await work(conn)

    return asyncio.run(run())


def bring_up_to_date(clinic: Clinic, lines_max: int = 2) -> None:
    """Bring the roll-ups up to date, as the upkeep or a policy of TimescaleDB does.

    lines_max: at a time; so few that every test works off several batches.
    """

    async def current(conn: AsyncConnection) -> None:
        if is_plain(clinic):
            while await roll_up(conn, lines_max):
                pass
            return
        assert await refresh(conn), "no worker is at it"

    does(clinic, current)
