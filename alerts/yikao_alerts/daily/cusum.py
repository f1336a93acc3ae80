"""Adding up small surprises in one direction until they are too many to be chance.

Source: Page 1954, Biometrika 41(1/2), 100-115; limits by how often the resident measures, so that
those who measure rarely are not left out and those who measure often do not ring more.
"""

from functools import cache

import numpy as np

from yikao_alerts.daily.arrays import Bits, Days, Flags, Floats, Small
from yikao_alerts.daily.parameters import TrendParameters
from yikao_alerts.daily.trend_state import Cusum

RECENT_D = 28


def add(
    cusum: Cusum, surprise: Floats, value: Floats, counts: Flags, today: int, slack: float
) -> Cusum:
    """Return the sum after today's `surprise` (in SD), where today `counts`.

    surprise, value: finite, whatever they are where nothing counts. Multiplying by 1 or 0 instead
    of choosing keeps every resident's arithmetic the same and is many times faster.
    """
    once = (counts & (cusum.rests_until < today)).astype(np.float64)
    score = np.maximum(cusum.score + (surprise - slack) * once, 0.0)
    runs = (score > 0).astype(np.float64)
    return Cusum(
        score=score,
        total=(cusum.total + value * once) * runs,
        count=(cusum.count + once) * runs,
        span=(cusum.span + 1.0) * runs,
        rests_until=cusum.rests_until,
    )


def restarted(cusum: Cusum, which: Flags, rests_until: int) -> Cusum:
    """Return the sum set to zero for `which`, counting nothing until after `rests_until`."""
    if not which.any():
        return cusum
    others = (~which).astype(np.float64)
    rest = np.maximum(cusum.rests_until, np.int32(rests_until))
    return Cusum(
        score=cusum.score * others,
        total=cusum.total * others,
        count=cusum.count * others,
        span=cusum.span * others,
        rests_until=np.where(which, rest, cusum.rests_until),
    )


def last_rest_day(first: int, parameters: TrendParameters) -> int:
    """Return the last of the rest days when `first` is the first."""
    return first + parameters.rest_d - 1


def limits(recent: Bits, indexed: bool | Flags, parameters: TrendParameters) -> Floats:
    """Return the limit of each resident's sum, by reading days in the last 28 days."""
    days = np.bitwise_count(recent)
    if isinstance(indexed, bool):
        return _limits(parameters)[int(indexed)].take(days)
    plain, with_index = (table.take(days) for table in _limits(parameters))
    return np.where(indexed, with_index, plain)


@cache
def _limits(parameters: TrendParameters) -> tuple[Floats, Floats]:
    """Return the limit for 0 to 28 reading days, without and with a season index."""
    days = np.arange(RECENT_D + 1)
    rank = np.where(
        days >= parameters.dense_days, 0, np.where(days >= parameters.medium_days, 1, 2)
    )
    return np.array(parameters.limits_plain)[rank], np.array(parameters.limits_indexed)[rank]


def alarm_of(
    up: Cusum, down: Cusum, rises: Flags, falls: Flags, today: int, baseline: Floats
) -> tuple[Small, Floats, Floats, Days]:
    """Return 1 for a rise or -1 for a fall, and of the run behind it: shift, days, first day.

    The shift is the mean since the sum was last zero, minus the baseline; NaN without an alarm.
    """
    alarm = rises.astype(np.int8) - falls
    shift, count = np.full(alarm.size, np.nan), np.full(alarm.size, np.nan)
    since = np.zeros(alarm.size, dtype=np.int32)
    for cusum, which in ((up, np.flatnonzero(rises)), (down, np.flatnonzero(falls))):
        if which.size:
            count[which] = cusum.count[which]
            shift[which] = cusum.total[which] / cusum.count[which] - baseline[which]
            since[which] = today + 1 - cusum.span[which]
    return alarm, shift, count, since
