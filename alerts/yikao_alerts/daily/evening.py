"""One number a day: mornings are usually a little higher, so they are brought to evening's scale.

Each resident's own morning-minus-evening difference is learned from days with both, starting from
+3 mmHg. A day's value is the mean of the evening and the corrected morning, whichever there are.
"""

import numpy as np

from yikao_alerts.daily.arrays import Floats
from yikao_alerts.daily.parameters import TrendParameters


def differences(am: Floats, pm: Floats, parameters: TrendParameters) -> tuple[Floats, Floats]:
    """Return morning minus evening, bounded, 0 where one is missing; and 1.0 where both are."""
    difference = am - pm
    both = (~np.isnan(difference)).astype(np.float64)
    bound = parameters.offset_bound
    # fmax turns NaN into the bound, a number, so that it can count zero times.
    return np.fmin(np.fmax(difference, -bound), bound) * both, both


def usual_difference(
    offset_sum: Floats, offset_days: Floats, parameters: TrendParameters
) -> Floats:
    """Return each resident's usual morning minus evening, in the parts' unit.

    offset_sum, offset_days: sum and number of the differences so far. What is usual for everybody
    counts as so many days: with few days of their own nobody is far from it.
    """
    prior = parameters.offset_prior * parameters.offset_prior_days
    return (offset_sum + prior) / (offset_days + parameters.offset_prior_days)


def on_evening_scale(
    am: Floats, pm: Floats, offset_sum: Floats, offset_days: Floats, parameters: TrendParameters
) -> Floats:
    """Return the daily value in the parts' unit, NaN for a day with neither part.

    offset_sum, offset_days: sum and number of the differences so far, today's included.
    """
    morning = am - usual_difference(offset_sum, offset_days, parameters)
    # Of two numbers the larger and the smaller; of a number and NaN twice the number.
    return np.asarray((np.fmax(morning, pm) + np.fmin(morning, pm)) * 0.5)


def daily_values(am: Floats, pm: Floats, parameters: TrendParameters) -> Floats:
    """Return the daily values (n, days) of whole series at once: the same bits as day by day."""
    difference, both = differences(am, pm, parameters)
    sums, days = np.cumsum(difference, axis=1), np.cumsum(both, axis=1)
    return on_evening_scale(am, pm, sums, days, parameters)
