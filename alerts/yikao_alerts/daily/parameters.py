"""Every number of the trend and level detectors, with its unit and where it comes from.

The pressure figures were chosen on simulated residents so that one false upward alert comes per
100 patient-weeks and a lasting rise of 10 mmHg is found in about two weeks (`benchmarks/gates*`
measure it). A change here changes whom the worklist names, so stored states carry `digest()`.
"""

import zlib
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TrendParameters:
    """The lagged robust baseline and the two-sided CUSUM of one signal, in the signal's unit."""

    prior_sd: float
    """Assumed day-to-day SD of a resident nobody knows yet."""
    early_bound: float
    """How far the second and third value may pull the young baseline."""
    offset_prior: float = 3.0
    """Morning minus evening, mmHg, before the resident's own is known."""
    offset_prior_days: float = 6.0
    offset_bound: float = 40.0
    prior_days: float = 5.0
    """Weight of `prior_sd`, as degrees of freedom."""
    part_weight: float = 0.7
    """Weight of a day with one session; a day with two weighs 1."""
    level_memory: float = 1 - 1 / 56
    """Kept of the level per calendar day: a memory of eight weeks."""
    spread_memory: float = 1 - 1 / 120
    spread_gain: float = 1.12
    """Undoes the shrinking of the variance by clipping at `clip_sd`."""
    clip_sd: float = 2.5
    early_days: int = 3
    baseline_days_min: int = 8
    """Observed days in the baseline before it is used."""
    variance_two: float = 0.9
    """Variance of a two-session day in units of the day-to-day variance."""
    variance_one: float = 1.25
    baseline_variance: float = 1.3
    score_bound: float = 2.5
    slack: float = 0.75
    """The CUSUM's k, in SD."""
    limits_indexed: tuple[float, float, float] = (4.5, 3.3, 2.7)
    """The CUSUM's h for dense, medium and sparse measurers when the season is taken out: about one
    false alarm in 100 patient-weeks each way, tuned in simulation (docs/gates.md)."""
    limits_plain: tuple[float, float, float] = (5.4, 4.0, 3.3)
    dense_days: int = 20
    """Reading days in the last 28, today included, of a dense measurer."""
    medium_days: int = 10
    learning_d: int = 56
    """Days from the first reading in which no alarm can begin."""
    rest_d: int = 14
    """Days after an alarm, a logged drug change or a new device in which nothing is counted."""
    ask_score: float = 2.5
    """The resident is asked for a 2 x 2 series from here on, at most once in `rest_d` days."""

    def digest(self) -> int:
        """Return a checksum (32 bits) of all numbers: a state made with others is not continued."""
        return zlib.crc32(repr(self).encode())


LAG_D: Final = 14
"""The baseline lags this many days behind, so that a slow rise cannot become its own yardstick."""

PRESSURE: Final = TrendParameters(prior_sd=7.0, early_bound=20.0)
"""Systolic home pressure, mmHg. SD: Kato 2010 (Ohasama), 8.6 for single mornings, less for days."""

DIASTOLIC: Final = TrendParameters(prior_sd=4.7, early_bound=13.4, offset_prior=2.0)
"""Diastolic home pressure, mmHg. Design choice: systolic by 5.8 / 8.6, the SDs of Kato 2010."""

GLUCOSE: Final = TrendParameters(
    prior_sd=17.0,
    early_bound=48.0,
    part_weight=1.0,
    variance_two=1.0,
    variance_one=1.0,
)
"""Fasting glucose of people on tablets, 100 x natural logarithm, so that 10 is about 10 %.

The log-SD of .17 is an assumption; `early_bound` is as many SD as for pressure (design choice).
"""

GLUCOSE_INSULIN: Final = TrendParameters(
    prior_sd=40.0,
    early_bound=114.0,
    part_weight=1.0,
    variance_two=1.0,
    variance_one=1.0,
)
"""The same with insulin: pre-breakfast log-SD .38-.43 (UCI AIM-94 data set, 70 people)."""


@dataclass(frozen=True, slots=True)
class LevelParameters:
    """The slowly moving true level behind the daily values, mmHg."""

    scale: TrendParameters
    """Of the morning-evening difference."""
    prior_mean: float
    prior_sd: float
    drift: float
    """How far the level wanders: SD per square root of a day. Chosen in simulation: with 0.5 labels
    changed a fifth more often for the same accuracy, with 0.3 they followed a real change late."""
    noise_sd: float
    """SD of a daily value around the level."""
    share_two: float = 0.75
    """Variance of a two-session day in units of `noise_sd` squared."""
    share_one: float = 1.15
    huber: float = 2.5
    """A value further off, in SD, counts as if it had been noisier."""

    def digest(self) -> int:
        """Return a checksum (32 bits) of all numbers."""
        return zlib.crc32(repr(self).encode())


SYSTOLIC_LEVEL: Final = LevelParameters(PRESSURE, 132.0, 14.0, 0.4, 7.0)

DIASTOLIC_LEVEL: Final = LevelParameters(DIASTOLIC, 80.0, 10.0, 0.27, 4.7)
"""Design choice: the systolic figures by 5.8 / 8.6, the ratio of within-person SDs (Kato 2010)."""
