"""Readings of many residents as columns, put into one order whatever order they arrived in.

Values are counted in thousandths of the device's own unit, as whole numbers: sums of whole numbers
are exact, so neither the order of arrival nor a repeated delivery can change a bit of what follows.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from yikao_alerts.daily.arrays import Flags, Integers, Slots

MINUTES_PER_DAY: Final = 1440
DAY_BEGINS: Final = 4 * 60
"""Minute of the day at which the home's day begins: an evening ends at 03:59."""

MORNING_MINUTES: Final = 8 * 60
"""04:00-11:59 is morning, 12:00-03:59 evening, by the beginning of the session."""

SESSION_GAP_MINUTES: Final = 30
"""Readings no further apart belong to one session."""

THOUSANDTHS: Final = 1000
MISSING: Final = -1
"""A value that the device did not give, in thousandths."""


def day_of(minute: int) -> int:
    """Return the home's day (days since 1970-01-01) of a local minute since 1970-01-01."""
    return (minute - DAY_BEGINS) // MINUTES_PER_DAY


def first_touched_day(minute: int) -> int:
    """Return the first day that a reading at the local `minute` can change.

    It may join a session that began just before the day did, so the day before counts as touched.
    """
    return day_of(minute - SESSION_GAP_MINUTES)


def thousandths(values: Any) -> Integers:
    """Return values as whole thousandths, `MISSING` for NaN."""
    scaled = np.rint(np.asarray(values, dtype=np.float64) * THOUSANDTHS)
    return np.where(np.isnan(scaled), MISSING, scaled).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Each different reading once, by resident and time."""

    rows: Slots
    """Where each stands in the columns that were given."""
    resident: Integers
    minute: Integers
    begins: Slots
    """Positions in `rows` at which a session begins."""


def ordered(resident: Integers, minute: Integers, values: tuple[Integers, ...]) -> Ordered:
    """Return the readings ordered and split into sessions.

    resident: index from 0; minute: local minutes since 1970-01-01; values: what tells two readings
    of one minute apart. Readings alike in everything are one reading delivered twice.
    """
    if not minute.size:
        nothing = np.zeros(0, dtype=np.intp)
        return Ordered(nothing, resident, minute, nothing)
    earliest = minute.min()
    span = int(minute.max() - earliest) + SESSION_GAP_MINUTES + 1
    key = resident * span + (minute - earliest)
    rows = np.arange(key.size)
    if (key[1:] < key[:-1]).any():
        rows = np.argsort(key)
        key = key[rows]
    together = key[1:] == key[:-1]
    if together.any():
        rows, keep = _once(rows, key, together, values)
        key = key[keep]
    apart = np.concatenate([[True], key[1:] - key[:-1] > SESSION_GAP_MINUTES])
    return Ordered(rows, resident[rows], minute[rows], np.flatnonzero(apart))


def _once(
    rows: Slots, key: Integers, together: Flags, values: tuple[Integers, ...]
) -> tuple[Slots, Flags]:
    """Return `rows`, those of one minute by value and repeats left out; and which places stay."""
    among = np.zeros(key.size, dtype=np.bool_)
    among[1:] |= together
    among[:-1] |= together
    places = np.flatnonzero(among)
    tied = rows[places]
    inner = np.lexsort((*(column[tied] for column in values), key[places]))
    rows = rows.copy()
    rows[places] = tied = tied[inner]
    alike = key[places][1:] == key[places][:-1]
    for column in values:
        alike &= column[tied][1:] == column[tied][:-1]
    keep = np.ones(key.size, dtype=np.bool_)
    keep[places[1:][alike]] = False
    return rows[keep], keep
