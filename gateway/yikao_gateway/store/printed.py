"""How far a tool has printed what an outbox holds: one that was killed goes on where it was.

The mark stands in the file itself and follows the printing, so what was printed while the tool was
killed may be printed twice, and nothing is left out.
"""

from typing import Final

from yikao_gateway.store.database import Database

KEY: Final = "printed"
"""Of the table `meta`."""


class Printed:
    """The mark in a `Database`. Whoever is the first to print begins behind what is there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.write() as cursor:
            cursor.execute(
                "INSERT INTO meta SELECT ?, COALESCE(MAX(seq), 0) FROM item WHERE true"
                " ON CONFLICT (key) DO NOTHING",
                (KEY,),
            )

    def last(self) -> int:
        """Return the number of the last item that was printed, 0 for none."""
        ((seq,),) = self._database.read(
            "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", (KEY,)
        )
        return int(seq)

    def note(self, seq: int) -> None:
        """Remember that everything up to this item was printed."""
        with self._database.write() as cursor:
            cursor.execute("UPDATE meta SET value = ? WHERE key = ?", (seq, KEY))
