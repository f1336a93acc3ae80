"""The pieces in which a database is moved: each table is one, but of readings each month is.

A piece is copied and compared in one transaction, so that after a power cut it is there as a whole
or not at all. What it holds is told by a count and a sum of hashes, which do not depend on the
order of rows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection, sql
from psycopg.abc import Buffer

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.partitions import partition

SQL: Final = load_sql_blocks("yikao_ingest", "sql/move.sql")
READING: Final = "reading_kept"
CHUNK_BYTES: Final = 128 * 1024
"""Sent to the target at a time; COPY gives one row at a time, which would be a call for each."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece: a table, or the readings of a month (its first moment, in UTC); `rows` of it."""

    table: str
    month: datetime | None
    rows: int

    @property
    def name(self) -> str:
        """What its progress is noted under."""
        return self.table if self.month is None else f"{self.table} {self.month:%Y-%m}"

    @property
    def part(self) -> sql.Composed:
        """Return where it is: the table, and of readings the month."""
        table = sql.Identifier(self.table)
        if self.month is None:
            return sql.Composed([table])
        _, start, end = partition(self.month)
        within = sql.SQL(SQL["within_month"]).format(sql.Literal(start), sql.Literal(end))
        return sql.Composed([table, sql.SQL(" "), within])


@dataclass(frozen=True, slots=True)
class Digest:
    """What a piece holds: how many rows, and the sum of their hashes."""

    rows: int
    hashes: str


def units_of(source: Connection, tables: list[str]) -> list[Unit]:
    """Return the pieces of these tables, each with its rows as they are now."""
    units = []
    for table in tables:
        if table == READING:
            months = source.execute(SQL["months"]).fetchall()
            units += [Unit(table, month, rows) for month, rows in months]
        else:
            units.append(Unit(table, None, count(source, table)))
    return units


def count(conn: Connection, table: str) -> int:
    """Return how many rows a table has."""
    return int(one(conn, sql.SQL(SQL["count"]).format(sql.Identifier(table))))


def columns_of(conn: Connection, table: str) -> sql.Composed:
    """Return the columns of a table that are stored, not computed, as a list for a statement."""
    rows = conn.execute(SQL["columns"], {"table": table}).fetchall()
    return sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)


def digest(conn: Connection, unit: Unit, columns: sql.Composed) -> Digest:
    """Return what a piece holds at this end."""
    row = conn.execute(sql.SQL(SQL["digest"]).format(columns, unit.part)).fetchone()
    assert row is not None, "an aggregate has a row"
    return Digest(*row)


def copy_unit(
    source: Connection,
    target: Connection,
    unit: Unit,
    columns: sql.Composed,
    copied: Callable[[int], None],
) -> None:
    """Put the rows of a piece into the target, in the place of those that it has of it."""
    target.execute(sql.SQL(SQL["clear"]).format(unit.part))
    out = sql.SQL(SQL["copy_out"]).format(columns, unit.part)
    into = sql.SQL(SQL["copy_in"]).format(sql.Identifier(unit.table), columns)
    with source.cursor().copy(out) as rows, target.cursor().copy(into) as taking:
        for chunk, amount in _chunks(rows):
            taking.write(chunk)
            copied(amount)


def _chunks(rows: Iterable[Buffer]) -> Iterator[tuple[bytes, int]]:
    """Yield what a COPY gives in larger pieces, each with the number of rows in it."""
    waiting: list[bytes] = []
    size = 0
    for row in rows:
        waiting.append(bytes(row))
        size += len(row)
        if size >= CHUNK_BYTES:
            yield b"".join(waiting), len(waiting)
            waiting, size = [], 0
    yield b"".join(waiting), len(waiting)


def one(conn: Connection, statement: Any, values: dict[str, Any] | None = None) -> Any:
    """Return the only value of the only row."""
    row = conn.execute(statement, values).fetchone()
    assert row is not None, "the statement gives a row"
    return row[0]
