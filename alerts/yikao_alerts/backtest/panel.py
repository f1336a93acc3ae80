"""All readings of some residents, sorted and without copies: what detection looks at.

The order of the file means nothing: equal files in any order give equal panels. The same reading
sent twice counts once, from its first arrival on; two different readings of one time both stay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.digits import Ints, Mask
from yikao_alerts.backtest.parts import Part
from yikao_alerts.backtest.vocabulary import KINDS, ROW, SLOTS, SYMPTOM, UNIT_NAMES, Rows

_REPORT: Final = KINDS.index(SYMPTOM)
_SAME: Final = ("resident", "at", "kind", "device", "unit", *SLOTS, "flags", "symptoms")
"""Rows with equal values here are one reading."""
_ORDER: Final = (*_SAME, "received", "context", "source")


@dataclass(frozen=True, slots=True)
class Panel:
    """Readings and reports of residents, in the order of their names and then of time.

    Those of resident r lie from `bounds[r]` to `bounds[r + 1]`. `copies`: rows left out because
    they said the same again.
    """

    rows: Columns
    residents: tuple[str, ...]
    devices: tuple[str, ...]
    bounds: Ints
    copies: int

    def of(self, resident: int) -> Columns:
        """Return the rows of one resident."""
        return self.rows[self.bounds[resident] : self.bounds[resident + 1]]


def bucket_panel(parts: Sequence[Part], bucket: int) -> Panel:
    """Return the panel of one bucket of all parts."""
    pieces = [(part.bucket(bucket), part.residents, part.devices) for part in parts]
    return panel_of(pieces)


def panel_of(pieces: Iterable[tuple[Rows, Sequence[str], Sequence[str]]]) -> Panel:
    """Return the panel of records that each count on their own names of residents and devices."""
    filled = [piece for piece in pieces if piece[0].size]
    residents = _names("resident", [(rows, names) for rows, names, _ in filled])
    devices = _names("device", [(rows, names) for rows, _, names in filled])
    rows = np.concatenate([rows for rows, _, _ in filled] or [np.zeros(0, ROW)])
    rows = _sorted(_reports_apart(rows))
    kept = Columns.of(rows.compress(_fresh(rows)))
    bounds = np.searchsorted(kept["resident"], np.arange(len(residents) + 1))
    return Panel(kept, residents, devices, bounds, rows.size - kept.size)


def _names(column: str, pieces: Sequence[tuple[Rows, Sequence[str]]]) -> tuple[str, ...]:
    """Number the names of one column anew, in their order, over all pieces; return them."""
    used = [np.unique(rows[column]).tolist() for rows, _ in pieces]
    found = {names[n] for (_, names), numbers in zip(pieces, used, strict=True) for n in numbers}
    ordered = tuple(sorted(found))
    place = {name: number for number, name in enumerate(ordered)}
    for (rows, names), numbers in zip(pieces, used, strict=True):
        table = np.zeros(len(names), np.int32)
        table[numbers] = [place[names[number]] for number in numbers]
        rows[column] = table[rows[column]]
    return ordered


def _reports_apart(rows: Rows) -> Rows:
    """Return the rows with what was felt at a reading as a report of its own, at the same time."""
    felt, report = rows["symptoms"] != 0, rows["kind"] == _REPORT
    reports = _reports(rows[felt & ~report])
    rows["symptoms"][~report] = 0
    rows[report] = _reports(rows[report])
    return np.concatenate([rows, reports]) if reports.size else rows


def _reports(rows: Rows) -> Rows:
    """Return rows as reports: without the reading beside which they may have stood."""
    for slot in SLOTS:
        rows[slot] = np.nan
    rows["kind"], rows["unit"] = _REPORT, UNIT_NAMES.index("")
    for column in ("context", "source", "flags", "device"):
        rows[column] = 0
    return rows


def _sorted(rows: Rows) -> Rows:
    """Return the rows in their one order."""
    # `take`, not brackets, which copy a record field by field.
    rows = rows.take(np.lexsort((rows["at"], rows["resident"])))
    tied = np.zeros(rows.size, bool)
    same = _as_before(rows, ("resident", "at"))
    tied[1:] |= same
    tied[:-1] |= same
    ties = rows[tied]
    # Few rows are of one time: only they are compared in everything.
    rows[tied] = ties[np.lexsort([ties[column] for column in reversed(_ORDER)])]
    return rows


def _fresh(rows: Rows) -> Mask:
    """Return which rows say what the row before them does not."""
    fresh = np.ones(rows.size, bool)
    again = 1 + np.flatnonzero(_as_before(rows, ("resident", "at")))
    for column in _SAME if again.size else ():
        one, other = rows[column][again], rows[column][again - 1]
        again = again[(one == other) | ((one != one) & (other != other))]
    fresh[again] = False
    return fresh


def _as_before(rows: Rows, columns: Iterable[str]) -> Mask:
    """Return for each row but the first whether it has the values of the row before it."""
    same = np.ones(max(rows.size - 1, 0), bool)
    for column in columns:
        values = np.ascontiguousarray(rows[column])
        same &= values[1:] == values[:-1]
    return same
