"""The resident's true level behind the scattered values, and how sure we may be of it.

A local-level Kalman filter: the level wanders slowly, values scatter around it, and a value far off
counts less. What comes out is a level and its SD, so that "probably above 135" is a number.
Source: Harvey 1989, Forecasting, Structural Time Series Models, 2.3; Huber's weights for outliers.
"""

from dataclasses import dataclass
from math import erfc, sqrt
from statistics import NormalDist
from typing import Final, Self

import numpy as np

from yikao_alerts.daily.arrays import Flags, Floats, by_day
from yikao_alerts.daily.evening import differences, on_evening_scale, usual_difference
from yikao_alerts.daily.parameters import SYSTOLIC_LEVEL, LevelParameters
from yikao_alerts.daily.trend import DayParts
from yikao_alerts.daily.trend_state import StaleStateError

LEVEL_VERSION: Final = 1
SURE: Final = 0.84
"""Probability from which "above" is said, and below 1 - SURE unsaid: about one SD either way."""
SURE_Z: Final = NormalDist().inv_cdf(SURE)


@dataclass(frozen=True, slots=True)
class LevelState:
    """What is known of n residents after `day`; arrays (n,), mmHg on the evening scale."""

    day: int
    offset_sum: Floats
    offset_days: Floats
    mean: Floats
    variance: Floats
    readings: Floats
    """Days with a value so far; 0: what stands here is what is assumed of everybody."""

    @classmethod
    def new(cls, residents: int, day: int, parameters: LevelParameters) -> Self:
        """Return the state of `residents` of whom nothing is known at the end of `day`."""
        zero = np.zeros(residents)
        mean = np.full(residents, parameters.prior_mean)
        return cls(day, zero, zero, mean, np.full(residents, parameters.prior_sd**2), zero)

    def to_bytes(self, resident: int, parameters: LevelParameters) -> bytes:
        """Return the state of the resident at index `resident`, `LEVEL_RECORD.itemsize` bytes."""
        record = np.zeros((), dtype=LEVEL_RECORD)
        record["version"], record["digest"] = LEVEL_VERSION, parameters.digest()
        record["day"] = self.day
        for name in _FIELDS:
            record[name] = getattr(self, name)[resident]
        return record.tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes, parameters: LevelParameters) -> Self:
        """Return the state of one resident; `StaleStateError` when it cannot be continued."""
        if len(stored) != LEVEL_RECORD.itemsize:
            raise StaleStateError(f"{len(stored)} bytes instead of {LEVEL_RECORD.itemsize}")
        record = np.frombuffer(stored, dtype=LEVEL_RECORD)
        if record["version"][0] != LEVEL_VERSION or record["digest"][0] != parameters.digest():
            raise StaleStateError("of another version, or made with other parameters")
        return cls(int(record["day"][0]), *(record[name].copy() for name in _FIELDS))


_FIELDS: Final = ("offset_sum", "offset_days", "mean", "variance", "readings")
LEVEL_RECORD: Final = np.dtype(
    [("version", "<u2"), ("digest", "<u4"), ("day", "<i4"), *((name, "<f8") for name in _FIELDS)]
)
"""The stored layout, packed."""


@dataclass(frozen=True, slots=True)
class LevelNumbers:
    """Level of the whole day and its SD, mmHg, (n,) or (n, days); NaN before the first reading."""

    level: Floats
    sd: Floats

    def z(self, limit: float | Floats) -> Floats:
        """Return how many SD the level is above `limit`; limits broadcast."""
        return (self.level - limit) / self.sd

    def probability(self, limit: float | Floats) -> Floats:
        """Return the probability that the level is at least `limit`; limits broadcast."""
        return normal_cdf(self.z(limit))

    def above(self, limit: float | Floats, before: Flags | None = None) -> Flags:
        """Return whether the level of each day (n, days) counts as at least `limit`: see `held`."""
        return held(self.z(limit), before)


def held(z: Floats, before: Flags | None = None) -> Flags:
    """Return (n, days) whether "above" is said: from when it is sure until it is surely not.

    z: by how many SD above, NaN where nothing is known. before: (n,) what was said on the day
    before the first; absent: nothing was.
    """
    said = np.zeros(z.shape, dtype=np.bool_, order="F")
    last = np.zeros(z.shape[0], dtype=np.bool_) if before is None else before
    for column in range(z.shape[1]):
        last = (z[:, column] > SURE_Z) | (last & ~(z[:, column] < -SURE_Z))
        said[:, column] = last
    return said


def step(
    state: LevelState, am: Floats, pm: Floats, parameters: LevelParameters = SYSTOLIC_LEVEL
) -> tuple[LevelState, LevelNumbers]:
    """Return the state after one more calendar day of mornings and evenings (n,), and the level."""
    difference, both = differences(am, pm, parameters.scale)
    offset_sum, offset_days = state.offset_sum + difference, state.offset_days + both
    value = on_evening_scale(am, pm, offset_sum, offset_days, parameters.scale)
    seen = ~np.isnan(value)
    known = state.readings > 0
    variance = state.variance + parameters.drift**2 * known
    one, two = (parameters.noise_sd**2 * x for x in (parameters.share_one, parameters.share_two))
    noise = np.where(both > 0, two, one)
    surprise = np.where(seen, value - state.mean, 0.0)
    far = np.abs(surprise) / np.sqrt(variance + noise) / parameters.huber
    gain = variance / (variance + noise * np.maximum(far, 1.0)) * seen
    state = LevelState(
        day=state.day + 1,
        offset_sum=offset_sum,
        offset_days=offset_days,
        mean=state.mean + gain * surprise,
        variance=variance * (1.0 - gain),
        readings=state.readings + seen,
    )
    known = known | seen
    # Half a day is morning: whose mornings are higher has a higher level than the evenings show.
    usual = usual_difference(offset_sum, offset_days, parameters.scale)
    level = np.where(known, state.mean + usual / 2, np.nan)
    return state, LevelNumbers(level, np.where(known, np.sqrt(state.variance), np.nan))


def run(
    parts: DayParts,
    *,
    state: LevelState | None = None,
    parameters: LevelParameters = SYSTOLIC_LEVEL,
) -> tuple[LevelState, LevelNumbers]:
    """Return the state after the last day of `parts`, and the levels (n, days) of all days."""
    residents, days = parts.pm.shape
    state = state or LevelState.new(residents, parts.first_day - 1, parameters)
    if state.day != parts.first_day - 1:
        raise ValueError(f"the state ends on day {state.day}, the parts begin {parts.first_day}")
    kept = LevelNumbers(by_day(residents, days), by_day(residents, days))
    for column in range(days):
        state, numbers = step(state, parts.am[:, column], parts.pm[:, column], parameters)
        kept.level[:, column], kept.sd[:, column] = numbers.level, numbers.sd
    return state, kept


def normal_cdf(z: Floats) -> Floats:
    """Return the standard normal distribution function, NaN for NaN."""
    values = [0.5 * erfc(-value / sqrt(2.0)) for value in z.ravel().tolist()]
    return np.array(values, dtype=np.float64).reshape(z.shape)


def normal_z(probability: float) -> float:
    """Return the number of SD below which a normal value lies with `probability`, 0 to 1."""
    return NormalDist().inv_cdf(probability)
