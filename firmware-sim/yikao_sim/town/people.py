"""Who lives in the town: each person's usual pressure, habits and faults, drawn from the seed.

People come in blocks of `BLOCK`. A block is made from (seed, number of the block) alone, so any of
them can be made again without the others, in any order, on any number of machines.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from yikao_sim.town.events import Scenario
from yikao_sim.town.parameters import YEAR, Normal, Parameters

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

BLOCK: Final = 250
COHORT_PHASE: Final = {"july": 181.0, "january": 0.0}
"""Days after New Year on which everybody of a cohort starts."""
Start = Literal["uniform", "july", "january"]


class Stream(IntEnum):
    """Each purpose draws from a generator of its own, so that a scenario changes nobody's noise."""

    PEOPLE = 1
    ATTENDANCE = 2
    PRESSURE = 3
    VITALS = 4
    EVENTS = 5
    SUGAR = 6
    TIMES = 7
    REPLIES = 8


@dataclass(frozen=True, slots=True)
class Town:
    """What to make: `people` over `days` from `seed`.

    start: everybody on a day of the year of their own, or all on one. affected: share of people to
    whom the scenario happens. lost: share of readings that never arrive, at random.
    diabetes, insulin: share of people with a meter, and of those who use insulin.
    """

    people: int
    days: int
    seed: int
    scenario: Scenario = field(default_factory=Scenario)
    start: Start = "uniform"
    affected: float = 1.0
    lost: float = 0.0
    diabetes: float = 0.0
    insulin: float = 0.0
    parameters: Parameters = field(default_factory=Parameters)

    @property
    def blocks(self) -> int:
        """How many blocks there are; the last may be smaller."""
        return -(-self.people // BLOCK)

    def size(self, block: int) -> int:
        """Return how many people live in a block."""
        return min(BLOCK, self.people - block * BLOCK)

    def stream(self, block: int, purpose: Stream, *more: int) -> np.random.Generator:
        """Return the generator of a block for one purpose."""
        return np.random.default_rng([self.seed, block, int(purpose), *more])


@dataclass(frozen=True, slots=True)
class People:
    """The people of a block, each array `(n,)`. Pressures in mmHg."""

    usual: Floats
    morning_minus_evening: Floats
    variability: Floats
    stratum: Ints
    season_half: Floats
    phase: Floats
    """Day of the year on which the run starts."""
    typed: Mask
    affected: Mask
    diastolic: Floats
    pulse: Floats
    diabetes: Mask
    insulin: Mask
    birth_year: Ints
    sex: Ints


BIRTH_YEARS: Final = (1938, 1974)
"""Of adults whom a family doctor follows for blood pressure; D."""


def people_of(town: Town, block: int) -> People:
    """Return the people of a block."""
    rng = town.stream(block, Stream.PEOPLE)
    n = town.size(block)
    systolic, vitals, faults = (
        town.parameters.systolic,
        town.parameters.vitals,
        town.parameters.faults,
    )
    strata = town.parameters.strata
    usual = _normal(rng, systolic.usual, n, systolic.usual_bounds)
    follows = vitals.per_systolic * (usual - systolic.usual.mean)
    log_variance = np.log1p(systolic.variability_cv**2)
    diabetes = rng.random(n) < town.diabetes
    return People(
        usual=usual,
        morning_minus_evening=_normal(rng, systolic.morning_minus_evening, n),
        variability=rng.lognormal(-log_variance / 2, np.sqrt(log_variance), n).astype(np.float32),
        stratum=rng.choice(len(strata), n, p=[each.share for each in strata]),
        season_half=_normal(rng, systolic.season_half, n, (0.0, np.inf)),
        phase=_phase(rng, town.start, n),
        typed=rng.random(n) < faults.typed,
        affected=rng.random(n) < town.affected,
        diastolic=np.clip(_normal(rng, vitals.diastolic, n) + follows, *vitals.diastolic_bounds),
        pulse=_normal(rng, vitals.pulse, n, (56.0, 92.0)),
        diabetes=diabetes,
        insulin=diabetes & (rng.random(n) < town.insulin),
        birth_year=rng.integers(*BIRTH_YEARS, n),
        sex=rng.integers(0, 2, n),
    )


def _phase(rng: np.random.Generator, start: Start, n: int) -> Floats:
    drawn = np.floor(rng.uniform(0.0, YEAR, n)).astype(np.float32)
    return drawn if start == "uniform" else np.full(n, COHORT_PHASE[start], np.float32)


def _normal(
    rng: np.random.Generator, normal: Normal, n: int, bounds: tuple[float, float] | None = None
) -> Floats:
    drawn = rng.normal(normal.mean, normal.sd, n).astype(np.float32)
    return drawn if bounds is None else np.clip(drawn, *bounds)
