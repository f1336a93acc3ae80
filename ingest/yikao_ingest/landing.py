"""How readings come into their table: straight, or past those that are there already.

Nearly always none is there: then they are copied straight into ledger and table, which costs the
database half. Where one turns out to be there, all that was copied is taken back, and they go by
the staging table, which lets in what is new and compares the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add
from typing import Final

from psycopg import Connection
from psycopg.errors import UniqueViolation

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.copy_forms import copied, identity, ledger, number
from yikao_ingest.lines import FIELDS, Rows
from yikao_ingest.staging import Sheet

SQL: Final = load_sql_blocks("yikao_ingest")
STRAIGHT_FROM: Final = 50
"""Readings: for fewer the one statement of the longer way is the shorter."""
CAREFUL_FOR: Final = 20
"""Batches that go the longer way after one of which some was there: who repeats one message mostly
repeats the next, and what is taken back has to be cleaned up."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A sheet as it came: with the number of the message of each reading, and lines that are whole.

    message_ids: of the batch's messages, in its order.
    """

    sheet: Sheet
    message_ids: Sequence[int | None]
    lines: Sequence[bytes]
    now: datetime

    def entered(self, rows: Rows) -> bytes:
        """Return what `copy_ledger` takes."""
        sheet = self.sheet
        ids = ((sheet.reading_id(row), self._message_id(row)) for row in rows.tolist())
        return ledger(ids, self.now)

    def copied(self, rows: Rows) -> bytes:
        """Return what `copy_readings` takes."""
        return copied((self.lines[row] for row in rows.tolist()), FIELDS)

    def staged(self, rows: Rows) -> bytes:
        """Return what `copy_staging` takes: id and message stand before the fields of the table."""
        lines = (
            identity(self.sheet.reading_id(row)) + number(self._message_id(row)) + self.lines[row]
            for row in rows.tolist()
        )
        return copied(lines, FIELDS + 2)

    def _message_id(self, row: int) -> int | None:
        return self.message_ids[self.sheet.messages[row]]


@dataclass(slots=True)
class Landing:
    """Stores readings over one connection, within its transactions."""

    conn: Connection
    _careful: int = 0

    def store(self, sheet: Sheet, message_ids: Sequence[int | None], now: datetime) -> set[int]:
        """Store the new ones of a batch's readings; return who is to be looked at for them.

        message_ids: of the batch's messages, in its order.
        """
        lines = list(map(add, sheet.lines, sheet.ends(now)))
        arrived = Arrived(sheet, message_ids, lines, now)
        patients: set[int] = set()
        for place, rows in enumerate(sheet.rounds()):
            if place == 0 and self._straight(arrived, rows):
                judged = sheet.judged(rows).tolist()
                patients |= {sheet.readings[row].patient_id for row in judged}
                self._copy("copy_staging", arrived.staged(sheet.newest(rows)))
            else:
                patients |= self._past_others(arrived, rows)
            self.conn.execute(SQL["upsert_latest"])
        return patients

    def _straight(self, arrived: Arrived, rows: Rows) -> bool:
        """Store readings of which none is there; return False, having stored none, if one is."""
        if self._careful or len(rows) < STRAIGHT_FROM:
            self._careful = max(0, self._careful - 1)
            return False
        oldest = arrived.sheet.oldest(arrived.sheet.judged(rows))
        late = {"patients": list(oldest), "times": list(oldest.values())}
        try:
            with self.conn.transaction():
                self._copy("copy_ledger", arrived.entered(rows))
                self._copy("copy_readings", arrived.copied(rows))
                self.conn.execute(SQL["touch_days"], late)
        except UniqueViolation:
            self._careful = CAREFUL_FOR
            return False
        return True

    def _past_others(self, arrived: Arrived, rows: Rows) -> set[int]:
        """Store those that are not there; return who is to be looked at for them."""
        self.conn.execute(SQL["clear_staging"])
        self._copy("copy_staging", arrived.staged(rows))
        row = self.conn.execute(SQL["insert_readings"], {"now": arrived.now}).fetchone()
        assert row is not None, "a sum is one row"
        whose, some_were_there = row
        if some_were_there:
            self.conn.execute(SQL["insert_conflicts"])
        return set(whose or ())

    def _copy(self, statement: str, data: bytes) -> None:
        with self.conn.cursor().copy(SQL[statement]) as copy:
            copy.write(data)
