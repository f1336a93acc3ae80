"""Readings on their way into the tables: which can be stored together, and in which order.

What names a stored reading, the primary key of its table, is resident, time, device and kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from yikao_alerts.history import JUDGED
from yikao_devices import wire
from yikao_ingest.accept import AcceptedReading, Judged
from yikao_ingest.lines import AT, Rows, kind_number, reading_lines, received_after

_JUDGED: Final = [kind_number(kind) for kind in JUDGED]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The readings of a batch, of which no two have one id, and their lines.

    messages: the place in the batch of the message that brought each. lines: of COPY, without the
    count before and without the last field. keys: patient, time, device and kind as numbers, each a
    row, in the order of the table's index.
    """

    readings: Sequence[AcceptedReading]
    messages: Sequence[int]
    lines: Sequence[bytes]
    keys: NDArray[np.float64]

    def reading_id(self, row: int) -> UUID:
        """Return the id of a reading."""
        return self.readings[row].item.reading_id

    def ends(self, now: datetime) -> list[bytes]:
        """Return what is still missing of each line: how long the reading took to come, in ms."""
        return received_after(self.keys[1], now)

    def rounds(self) -> Iterator[Rows]:
        """Yield what is to be stored one round after the other: in one no two have the same key.

        Of several ids under one key the lowest goes first, whatever order they came in. Those of a
        round lie in the order of the table's index.
        """
        order = np.lexsort(self.keys[::-1])
        again = self._again(order)
        if again.any():
            ranks = np.empty(len(order))
            ranks[sorted(range(len(order)), key=self.reading_id)] = np.arange(len(order))
            order = np.lexsort((ranks, *self.keys[::-1]))
        while len(order):
            again = self._again(order)
            yield order[~again]
            order = order[again]

    def _again(self, order: Rows) -> NDArray[np.bool_]:
        """Return which have the key of the one before."""
        keys = self.keys[:, order]
        return np.concatenate(([False], (keys[:, 1:] == keys[:, :-1]).all(axis=0)))

    def judged(self, rows: Rows) -> Rows:
        """Return of a round those at which rules look: others ask nobody to look at a resident."""
        return rows[np.isin(self.keys[3, rows], _JUDGED)]

    def oldest(self, rows: Rows) -> dict[int, datetime]:
        """Return of a round, for each resident, the time of the oldest reading."""
        _, first = np.unique(self.keys[0, rows], return_index=True)
        oldest = (self.readings[row] for row in rows[first].tolist())
        return {one.patient_id: one.item.measured_at for one in oldest}

    def newest(self, rows: Rows) -> Rows:
        """Return of a round each resident's newest reading of each kind, the lowest device's."""
        patients, times, devices, kinds = self.keys[:, rows]
        order = np.lexsort((devices, -times, kinds, patients))
        whose = np.stack((patients, kinds))[:, order]
        others = (whose[:, 1:] != whose[:, :-1]).any(axis=0)
        return rows[order[np.concatenate(([True], others))]]


def sheet_of(batch: Sequence[Judged]) -> Sheet | None:
    """Return the readings of a batch; None when there is none.

    An id that comes again is left out.
    """
    unique: dict[int, tuple[AcceptedReading, int]] = {}
    for place, judged in enumerate(batch):
        for one in judged.items:
            if isinstance(one, AcceptedReading):
                unique.setdefault(one.item.reading_id.int, (one, place))
    if not unique:
        return None
    readings, messages = zip(*unique.values(), strict=True)
    numbers, lines = reading_lines(readings)
    named = [numbers[:, AT[name]] for name in ("patient_id", "time", "device_id")]
    return Sheet(
        readings,
        messages,
        lines,
        np.stack((*named, [kind_number(wire.kind_of(one.item)) for one in readings])),
    )
