"""Readings as columns, each in one piece of memory: a rule asks for two or three of eleven.

In a file they lie record by record; a look at one value of each would go through all of it.
"""

from collections.abc import Callable
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from yikao_alerts.backtest.digits import Ints, Mask
from yikao_alerts.backtest.vocabulary import ROW, Rows

_Column = NDArray[Any]


class Columns:
    """Rows, by the columns of `ROW`. Some of them are such rows again, and a column of those is
    taken when it is first asked for."""

    def __init__(self, take: Callable[[str], _Column], size: int) -> None:
        self.size = size
        self._take = take
        self._taken: dict[str, _Column] = {}

    @classmethod
    def of(cls, records: Rows) -> Self:
        """Return records as columns."""
        whole = {name: np.ascontiguousarray(records[name]) for name in ROW.names or ()}
        return cls(whole.__getitem__, records.size)

    @overload
    def __getitem__(self, which: str) -> _Column: ...
    @overload
    def __getitem__(self, which: Mask | Ints | slice) -> "Columns": ...
    def __getitem__(self, which: str | Mask | Ints | slice) -> "_Column | Columns":
        """Return a column, or the rows at these places."""
        if isinstance(which, str):
            if which not in self._taken:
                self._taken[which] = self._take(which)
            return self._taken[which]
        if isinstance(which, slice):
            size = len(range(*which.indices(self.size)))
            return Columns(lambda name: self[name][which], size)
        places = np.flatnonzero(which) if which.dtype == bool else which
        return Columns(lambda name: self[name][places], places.size)

    def alone(self) -> "Columns":
        """Return the rows as a copy that keeps nothing else in memory."""
        held = {name: self[name].copy() for name in ROW.names or ()}
        return Columns(held.__getitem__, self.size)
