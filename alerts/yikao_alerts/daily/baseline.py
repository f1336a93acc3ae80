"""The resident's own usual level and spread, learned from days at least two weeks old.

Old days fade (memory of eight weeks), a wild day counts only as far as 2.5 of the resident's own
SD, and the spread starts from what is usual for everybody, worth five days.
"""

from dataclasses import dataclass

import numpy as np

from yikao_alerts.daily.arrays import Flags, Floats, Slots
from yikao_alerts.daily.parameters import TrendParameters
from yikao_alerts.daily.trend_state import Baseline


@dataclass(frozen=True, slots=True)
class Compared:
    """A day's values against what is usual, all (n,)."""

    level: Floats
    """The usual level; NaN before enough days are known."""
    spread: Floats
    """The resident's own day-to-day SD."""
    known: Flags
    z: Floats
    """Today's surprise in SD, bounded; NaN without a reading or a level."""


def learn(old: Baseline, value: Floats, weight: Floats, parameters: TrendParameters) -> Baseline:
    """Return the baseline with one calendar day faded and a day of two weeks ago learned.

    value, weight: (n,) of that day, finite; weight 0 where there was no reading, and nothing is
    learned: multiplying by 1 or 0 is many times faster than choosing.
    """
    faded = old.weight * parameters.level_memory
    level = old.level * parameters.level_memory
    squares = old.squares * parameters.level_memory**2
    bound = np.sqrt(old.spread / old.spread_days) * parameters.clip_sd
    centre = level / faded
    young = old.learned < parameters.early_days
    if young.any():
        bound = np.where(young, parameters.early_bound, bound)
        centre = np.where(old.learned == 0, value, centre)
    surprise = np.minimum(np.maximum(value - centre, -bound), bound)
    seen = weight > 0
    now = faded + weight
    once = (seen & ~young).astype(np.float64)
    lost = 1 - parameters.spread_memory
    prior = parameters.prior_days * lost
    own = parameters.spread_gain * weight * surprise * surprise / (1 + 1 / now)
    return Baseline(
        weight=now,
        level=level + weight * (centre + surprise),
        squares=squares + weight * weight,
        spread=old.spread + once * (prior * parameters.prior_sd**2 + own - lost * old.spread),
        spread_days=old.spread_days + once * (prior + weight - lost * old.spread_days),
        learned=old.learned + seen.astype(np.float64),
    )


def compare(
    value: Floats, parts: Slots, baseline: Baseline, parameters: TrendParameters
) -> Compared:
    """Return today's values, of so many `parts` (0, 1, 2), against what is usual."""
    level = baseline.level / baseline.weight
    known = baseline.learned >= parameters.baseline_days_min
    if not known.all():
        level = np.where(known, level, np.nan)
    spread = np.sqrt(baseline.spread / baseline.spread_days)
    one, two = parameters.variance_one, parameters.variance_two
    today = np.array([one, one, two]).take(parts)
    learned = parameters.baseline_variance * baseline.squares / (baseline.weight * baseline.weight)
    z = (value - level) / (spread * np.sqrt(today + learned))
    bound = parameters.score_bound
    return Compared(level, spread, known, np.minimum(np.maximum(z, -bound), bound))
