"""Moves one database into another, piece by piece, each compared before it counts as there.

The target's foreign keys are taken off first and put back at the end from the source's own words:
so tables may come in any order, and a move that was killed finds all it needs in the two databases.
What was copied before is compared again, and copied anew where the source has changed since.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection, sql
from psycopg.errors import LockNotAvailable

from yikao_ingest.migrate import Mode
from yikao_ingest.move.ends import STOP_SERVING, prepare, tables_of
from yikao_ingest.move.errors import MoveError
from yikao_ingest.move.units import (
    READING,
    SQL,
    Digest,
    Unit,
    columns_of,
    copy_unit,
    count,
    digest,
    one,
    units_of,
)
from yikao_ingest.partitions import partition

PATIENCE_S: Final = 10.0
"""Whoever writes to the source has this time to finish; who does not is at work."""
Show = Callable[[str, int, int], None]
"""Told what is being copied, and how many rows of how many are there."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What both ends hold now: rows by table, and the readings' sum of hashes."""

    rows: dict[str, int]
    readings: Digest


def move(
    source: Connection,
    target: Connection,
    target_dsn: str,
    now: datetime,
    show: Show,
    patience_s: float = PATIENCE_S,
) -> Moved:
    """Move everything, or what is left of it.

    Refuses with `MoveError`; what was copied until then stays, and the next run goes on from there.
    """
    identity = prepare(source, target, target_dsn, now)
    tables = _shared(source, target)
    with _still(source, tables, patience_s):
        _drop_foreign_keys(target)
        held = _Copying(source, target, identity, show).all(units_of(source, tables))
        rows = _compared(source, target, tables)
        _finish(source, target, tables)
    months = [what for unit, what in held.items() if unit.table == READING]
    hashes = sum(int(what.hashes) for what in months)
    return Moved(rows, Digest(rows[READING], str(hashes)))


def _shared(source: Connection, target: Connection) -> list[str]:
    """Return the tables to copy; refuses a source that has one of its own."""
    tables = tables_of(source)
    if strange := sorted(set(tables) - set(tables_of(target))):
        remedy = "move it into a schema of its own, it is none of ours"
        raise MoveError(f"only the source has the table {strange[0]}", remedy)
    return tables


@contextmanager
def _still(source: Connection, tables: list[str], patience_s: float) -> Iterator[None]:
    """Have the source as it is at one moment for the block; nobody writes to it meanwhile."""
    with source.transaction():
        source.execute(SQL["one_moment"])
        source.execute(SQL["be_patient"], {"patience": f"{patience_s * 1000:.0f}ms"})
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        try:
            source.execute(sql.SQL(SQL["lock_tables"]).format(names))
        except LockNotAvailable as error:
            raise MoveError("somebody writes to the source", STOP_SERVING) from error
        yield


@dataclass(slots=True)
class _Copying:
    """The pieces, one after the other."""

    source: Connection
    target: Connection
    identity: str
    show: Show
    rows: int = 0

    def all(self, units: list[Unit]) -> dict[Unit, Digest]:
        """Copy what is not there yet; return what each piece holds, at both ends."""
        noted = {unit: Digest(*what) for unit, *what in self.target.execute(SQL["progress"])}
        plain = one(self.target, SQL["mode"]) == Mode.PLAIN
        total = sum(unit.rows for unit in units)
        held = {}
        for unit in units:
            columns = columns_of(self.source, unit.table)
            held[unit] = digest(self.source, unit, columns)
            if noted.get(unit.name) == held[unit]:
                self.rows += unit.rows
            else:
                self._copy(unit, columns, held[unit], total, plain=plain)
            self.show(unit.name, self.rows, total)
        return held

    def _copy(
        self, unit: Unit, columns: sql.Composed, wanted: Digest, total: int, *, plain: bool
    ) -> None:
        def copied(rows: int) -> None:
            self.rows += rows
            self.show(unit.name, self.rows, total)

        with self.target.transaction():
            if plain and unit.month is not None:
                name, start, end = partition(unit.month)
                words = (sql.Identifier(name), sql.Literal(start), sql.Literal(end))
                self.target.execute(sql.SQL(SQL["make_partition"]).format(*words))
            copy_unit(self.source, self.target, unit, columns, copied)
            if digest(self.target, unit, columns) != wanted:
                remedy = "run this again; if it happens again, look at the disks of both servers"
                raise MoveError(f"{unit.name} is not the same at both ends", remedy)
            self._note(unit, wanted)

    def _note(self, unit: Unit, what: Digest) -> None:
        values = {"unit": unit.name, "rows": what.rows, "digest": what.hashes}
        self.target.execute(SQL["note_progress"], values | {"source": self.identity})


def _compared(source: Connection, target: Connection, tables: list[str]) -> dict[str, int]:
    """Return how many rows each table has, the same at both ends."""
    rows = {}
    for table in tables:
        rows[table], there = count(source, table), count(target, table)
        if rows[table] != there:
            what = f"{table} has {rows[table]} rows at the source and {there} at the target"
            raise MoveError(what, "begin again with an empty target")
    return rows


def _foreign_keys(conn: Connection) -> dict[tuple[str, str], str]:
    return {(table, name): text for table, name, text in conn.execute(SQL["foreign_keys"])}


def _drop_foreign_keys(target: Connection) -> None:
    with target.transaction():
        for names in _foreign_keys(target):
            target.execute(_filled("drop_constraint", *map(sql.Identifier, names)))


def _finish(source: Connection, target: Connection, tables: list[str]) -> None:
    """Make the target a database like any other: keys, counters, what is remembered."""
    with target.transaction():
        for names, text in _foreign_keys(source).items():
            words = (*map(sql.Identifier, names), sql.SQL(text))
            target.execute(_filled("add_constraint", *words))
        for table, column, sequence in source.execute(
            SQL["identities"], {"tables": tables}
        ).fetchall():
            # Its name is as PostgreSQL itself writes it, quotes included.
            row = source.execute(_filled("sequence", sql.SQL(sequence))).fetchone()
            assert row is not None, "a sequence is one row"
            values = {"table": table, "column": column, "last": row[0], "called": row[1]}
            target.execute(SQL["set_sequence"], values)
        for key, value in source.execute(SQL["remembered"]).fetchall():
            target.execute(SQL["remember"], {"key": key, "value": value})
        target.execute(SQL["drop_progress"])


def _filled(statement: str, *words: Any) -> sql.Composed:
    return sql.SQL(SQL[statement]).format(*words)
