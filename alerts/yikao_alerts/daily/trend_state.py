"""What the trend detector remembers of each resident between two days: a few hundred bytes.

A state is a cache of a fold over days: deleting one is always safe, the days give it again. It can
be stored per resident in a fixed little-endian layout with a version and the parameters' digest.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from yikao_alerts.daily.arrays import NEVER, Bits, Days, Floats
from yikao_alerts.daily.parameters import LAG_D, TrendParameters

STATE_VERSION: Final = 1


class StaleStateError(ValueError):
    """A stored state of another version, with other parameters or damaged: fold the days again."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Faded sums of what was usual; all (n,). Level = level / weight, variance alike."""

    weight: Floats
    level: Floats
    squares: Floats
    """Faded sum of squared weights: weight^2 / squares days' worth of knowledge."""
    spread: Floats
    spread_days: Floats
    learned: Floats
    """Observed days that went in."""

    @classmethod
    def new(cls, residents: int, parameters: TrendParameters) -> Self:
        """Return the baseline of `residents` of whom nothing is known."""
        zero = np.zeros(residents)
        days = np.full(residents, parameters.prior_days)
        return cls(zero, zero, zero, days * parameters.prior_sd**2, days, zero)


@dataclass(frozen=True, slots=True)
class Cusum:
    """The sum of one direction, and the run of days since it last was zero; all (n,)."""

    score: Floats
    total: Floats
    """Sum of the daily values of the run."""
    count: Floats
    """Days with readings in the run."""
    span: Floats
    """Calendar days of the run, today included."""
    rests_until: Days
    """The last day on which nothing is counted."""

    @classmethod
    def new(cls, residents: int) -> Self:
        """Return the sum of `residents` before their first day."""
        zero = np.zeros(residents)
        return cls(zero, zero, zero, zero, np.full(residents, NEVER, dtype=np.int32))


@dataclass(frozen=True, slots=True)
class TrendState:
    """The state of n residents after `day` (days since 1970-01-01, local); all arrays (n,)."""

    day: int
    first_day: Days
    offset_sum: Floats
    """Morning minus evening, summed over the days with both."""
    offset_days: Floats
    baseline: Baseline
    up: Cusum
    down: Cusum
    asked: Days
    recent: Bits
    """One bit a day of the last 28: was there a reading?"""
    ring: tuple[tuple[Floats, Floats], ...]
    """Value and weight of the last 14 days, oldest first; weight 0: no reading."""

    @classmethod
    def new(cls, residents: int, day: int, parameters: TrendParameters) -> Self:
        """Return the state of `residents` of whom nothing is known at the end of `day`."""
        zero, never = np.zeros(residents), np.full(residents, NEVER, dtype=np.int32)
        return cls(
            day=day,
            first_day=never,
            offset_sum=zero,
            offset_days=zero,
            baseline=Baseline.new(residents, parameters),
            up=Cusum.new(residents),
            down=Cusum.new(residents),
            asked=never,
            recent=np.zeros(residents, dtype=np.uint32),
            ring=((zero, zero),) * LAG_D,
        )

    def to_bytes(self, resident: int, parameters: TrendParameters) -> bytes:
        """Return the state of the resident at index `resident`, `RECORD.itemsize` bytes."""
        record = np.zeros((), dtype=RECORD)
        record["version"], record["digest"] = STATE_VERSION, parameters.digest()
        record["day"] = self.day
        for name in _PLAIN:
            record[name] = getattr(self, name)[resident]
        for group, names in _GROUPS.items():
            values = getattr(self, group)
            record[group] = tuple(getattr(values, name)[resident] for name in names)
        record["values"] = [values[resident] for values, _ in self.ring]
        record["weights"] = [weights[resident] for _, weights in self.ring]
        return record.tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes, parameters: TrendParameters) -> Self:
        """Return the state of one resident; `StaleStateError` when it cannot be continued."""
        if len(stored) != RECORD.itemsize:
            raise StaleStateError(f"{len(stored)} bytes instead of {RECORD.itemsize}")
        record = np.frombuffer(stored, dtype=RECORD)
        if record["version"][0] != STATE_VERSION:
            raise StaleStateError(f"version {record['version'][0]} instead of {STATE_VERSION}")
        if record["digest"][0] != parameters.digest():
            raise StaleStateError("made with other parameters")
        values, weights = record["values"].copy(), record["weights"].copy()
        return cls(
            day=int(record["day"][0]),
            baseline=Baseline(**_fields(record["baseline"], _BASELINE)),
            up=Cusum(**_fields(record["up"], _CUSUM)),
            down=Cusum(**_fields(record["down"], _CUSUM)),
            ring=tuple((values[:, slot], weights[:, slot]) for slot in range(LAG_D)),
            **_fields(record, _PLAIN),
        )


def _fields(record: "np.ndarray[Any, Any]", names: dict[str, str]) -> dict[str, Any]:
    return {name: record[name].copy() for name in names}


_BASELINE: Final = dict.fromkeys(Baseline.__slots__, "<f8")
_CUSUM: Final = dict.fromkeys(("score", "total", "count", "span"), "<f8") | {"rests_until": "<i4"}
_GROUPS: Final = {"baseline": _BASELINE, "up": _CUSUM, "down": _CUSUM}
_PLAIN: Final = {
    "first_day": "<i4",
    "offset_sum": "<f8",
    "offset_days": "<f8",
    "asked": "<i4",
    "recent": "<u4",
}
RECORD: Final = np.dtype(
    [
        ("version", "<u2"),
        ("digest", "<u4"),
        ("day", "<i4"),
        *_PLAIN.items(),
        *((group, list(names.items())) for group, names in _GROUPS.items()),
        ("values", "<f8", (LAG_D,)),
        ("weights", "<f8", (LAG_D,)),
    ]
)
"""The stored layout, packed."""
