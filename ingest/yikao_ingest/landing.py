"""How readings come into their table: straight, or past those that are there already.

Nearly always none is there: then they are copied straight into ledger and table, which costs the
database half. Where one turns out to be there, all that was copied is taken back, and they go by
the staging table, which lets in what is new and compares the rest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import Connection
from psycopg.errors import UniqueViolation

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.copy_forms import Flags, ledger_lines
from yikao_ingest.rows import Row
from yikao_ingest.staging import TYPES, Staged, newest, oldest, rounds, staging_row

SQL: Final = load_sql_blocks("yikao_ingest")
STRAIGHT_FROM: Final = 50
"""Readings: for fewer the one statement of the longer way is the shorter."""
CAREFUL_FOR: Final = 20
"""Batches that go the longer way after one of which some was there: who repeats one message mostly
repeats the next, and what is taken back has to be cleaned up."""
_OWN: Final = 2
"""The columns before those of the table: id and message."""


@dataclass(slots=True)
class Landing:
    """Stores readings over one connection, within its transactions."""

    conn: Connection
    _careful: int = 0

    def __post_init__(self) -> None:
        self.conn.adapters.register_dumper(None, Flags)

    def store(self, readings: Sequence[Staged], now: datetime) -> set[int]:
        """Store the new ones of the readings; return whose they are."""
        patients: set[int] = set()
        for number, together in enumerate(rounds(readings)):
            if number == 0 and self._straight(together, now):
                patients |= {one.key.patient_id for one in together}
                self._copy("copy_staging", TYPES, map(staging_row, newest(together)))
            else:
                patients |= self._past_others(together, now)
            self.conn.execute(SQL["upsert_latest"])
        return patients

    def _straight(self, together: Sequence[Staged], now: datetime) -> bool:
        """Store readings of which none is there; return False, having stored none, if one is."""
        if self._careful or len(together) < STRAIGHT_FROM:
            self._careful = max(0, self._careful - 1)
            return False
        first = oldest(together)
        late = {"patients": list(first), "times": list(first.values())}
        try:
            with self.conn.transaction():
                self._enter(together, now)
                self._copy("copy_readings", TYPES[_OWN:], (one.row for one in together))
                self.conn.execute(SQL["touch_days"], late)
        except UniqueViolation:
            self._careful = CAREFUL_FOR
            return False
        return True

    def _past_others(self, together: Sequence[Staged], now: datetime) -> set[int]:
        """Store those that are not there; return whose they are."""
        self.conn.execute(SQL["clear_staging"])
        self._copy("copy_staging", TYPES, map(staging_row, together))
        row = self.conn.execute(SQL["insert_readings"], {"now": now}).fetchone()
        assert row is not None, "a sum is one row"
        whose, some_were_there = row
        if some_were_there:
            self.conn.execute(SQL["insert_conflicts"])
        return set(whose or ())

    def _enter(self, together: Sequence[Staged], now: datetime) -> None:
        entered = ((one.reading_id, one.message_id) for one in together)
        with self.conn.cursor().copy(SQL["copy_ledger"]) as copy:
            copy.write(ledger_lines(entered, now))

    def _copy(self, statement: str, types: Sequence[str], rows: Iterator[Row]) -> None:
        with self.conn.cursor().copy(SQL[statement]) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
