"""How far back a look has to reach: to where a resident's readings were not all ordinary.

Acute rules count over a week, but of a week that was quiet nothing can count. Only the last day is
read then; whatever was not ordinary is read with all that lies near it.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from math import inf
from typing import Final, NamedTuple

from yikao_alerts.history import BLOOD_PRESSURE, LOOK_BACK
from yikao_alerts.plan import KEPT, Plan
from yikao_alerts.quiet import neighbourhood
from yikao_alerts.rules.model import RuleSet

CONTEXT: Final = timedelta(hours=26)
"""Read beyond the look-back window: a repeat must not be taken for a first reading because its
first has just left the window. Longer than the day after which a late reading only informs."""
UNIT: Final = "mmHg"
ANYTHING: Final = (-inf, inf)
NOTHING: Final = (inf, -inf)


def since(now: datetime) -> datetime:
    """Return the time before which nothing is read at all."""
    return now - LOOK_BACK - CONTEXT


def recent(now: datetime) -> datetime:
    """Return the time after which everything is read."""
    return now - CONTEXT


def begin(loud_at: datetime | None, rules: RuleSet, now: datetime) -> datetime:
    """Return from when on readings are read, when the first that is not quiet was at `loud_at`."""
    if loud_at is None:
        return recent(now)
    return max(since(now), min(recent(now), loud_at - neighbourhood(rules)))


class Bounds(NamedTuple):
    """Between which values a resident's pressures, in mmHg, and pulse are quiet: open intervals.

    narrow: the pulse pressure at and below which a reading is not.
    """

    systolic_low: float
    systolic_high: float
    diastolic_low: float
    diastolic_high: float
    pulse_low: float
    pulse_high: float
    narrow: float


@lru_cache(maxsize=KEPT)
def bounds(plan: Plan) -> Bounds:
    """Return the bounds for residents with that plan: those of `quiet.py`, for their rules."""
    screen = plan.screens[BLOOD_PRESSURE]
    own = {field: (low, high) for field, low, high in screen.zones.get(UNIT, ())}
    systolic, diastolic, pulse = (
        NOTHING if screen.never else own.get(field, ANYTHING)
        for field in ("systolic", "diastolic", "pulse")
    )
    return Bounds(*systolic, *diastolic, *pulse, screen.narrow.get(UNIT, -inf))
