"""Keeping the outbox: what may go from it, how full it is, and what the disk has changed in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yikao_gateway.store.database import Database
from yikao_gateway.store.room import Room
from yikao_gateway.store.soundness import is_sound_device, moment_of

PURGE_MAX: Final = 500
"""Items that one call of `purge` deletes at most, so that it never holds up a reading."""
TOLD: Final = "told"
"""The code of a damaged item of which people know."""


@dataclass(frozen=True, slots=True)
class Loss:
    """An item that the disk has changed, and when it was stored if that can be read.

    What it said nobody knows.
    """

    seq: int
    captured_at: datetime | None


class Stock:
    """The outbox in a `Database` as its keeper sees it; each method is one transaction at most."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def room(self) -> Room:
        """Return how full the file is."""
        return self._database.room()

    def probe(self) -> None:
        """Raise `StorageFull` while a few readings would not fit."""
        self._database.probe()

    def purge(self, before: datetime, *, rejected: bool = False) -> int:
        """Delete up to `PURGE_MAX` items that the server had before then; return how many.

        The oldest receipt goes first. rejected: also what the server has in quarantine. What has
        no receipt is never deleted.
        """
        with self._database.write() as cursor:
            cursor.execute(
                "DELETE FROM item WHERE seq IN (SELECT seq FROM item"
                " WHERE (state = 'stored' OR ? AND state = 'rejected') AND receipt_at < ?"
                " ORDER BY receipt_at LIMIT ?)",
                (rejected, before.timestamp(), PURGE_MAX),
            )
            return cursor.rowcount

    def losses(self, limit: int) -> list[Loss]:
        """Return the damaged items of which nobody was told yet."""
        rows = self._database.read(
            "SELECT seq, captured_at FROM item"
            " WHERE state = 'damaged' AND code IS NULL ORDER BY seq LIMIT ?",
            (limit,),
        )
        return [Loss(seq, moment_of(captured)) for seq, captured in rows]

    def told(self, losses: Iterable[Loss]) -> None:
        """Note that people know of these, and have devices read from their first record on.

        Whoever still has what was lost gives it again, and it takes the place of the damaged item.
        """
        with self._database.write() as cursor:
            cursor.executemany(
                "UPDATE item SET code = ? WHERE seq = ?", [(TOLD, loss.seq) for loss in losses]
            )
            # And then it is no longer so that every older record was read.
            cursor.execute("UPDATE device SET next_record = NULL, clock_drained = 0")

    def forget_unsound_devices(self) -> int:
        """Forget devices of which the disk has changed what is known; return how many.

        They are read as if for the first time.
        """
        rows = self._database.read(
            "SELECT rowid, address, model, identity, next_record, problem, battery_low, last_seen,"
            " clock_at, clock_ahead_s, clock_over, clock_drained FROM device"
        )
        unsound = [(number,) for number, *columns in rows if not is_sound_device(columns)]
        if unsound:
            with self._database.write() as cursor:
                cursor.executemany("DELETE FROM device WHERE rowid = ?", unsound)
        return len(unsound)

    def go_on_from(self, boot: int) -> None:
        """Count the starts of the gateway from there, where the old count is lost.

        The server takes what a gateway of a lower count says for old news.
        """
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO meta VALUES ('boot', ?) ON CONFLICT (key) DO UPDATE"
                " SET value = max(CAST(value AS INTEGER), excluded.value)",
                (boot,),
            )
