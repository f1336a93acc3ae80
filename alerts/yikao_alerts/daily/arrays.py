"""The arrays this lane speaks in: one row a resident, one column a day.

Arrays of days are stored column by column (Fortran order), so that "everybody's today" lies
together in memory; a day without a value is NaN, never zero.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Days = NDArray[np.int32]
Counts = NDArray[np.int32]
Small = NDArray[np.int8]
Slots = NDArray[np.intp]
Bits = NDArray[np.uint32]
Marks = NDArray[np.uint8]
Flags = NDArray[np.bool_]

NEVER: Final = -(2**30)
"""A day so long ago that nothing is counted from it; leaves room to subtract within int32."""


def by_day(residents: int, days: int, fill: float = np.nan) -> Floats:
    """Return a (residents, days) array of `fill` whose days lie together in memory."""
    return np.full((residents, days), fill, dtype=np.float64, order="F")


def whole_by_day(residents: int, days: int, kind: Any = np.int32) -> NDArray[Any]:
    """Return a (residents, days) array of zeros of the whole-number type `kind`, days together."""
    return np.zeros((residents, days), dtype=kind, order="F")
