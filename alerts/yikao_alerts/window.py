"""How far back a look has to reach: to where a resident's readings were not all ordinary.

Acute rules count over a week, but of a week that was quiet nothing can count. Only the last day is
read then; whatever was not ordinary is read with all that lies near it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final

from yikao_alerts.history import BLOOD_PRESSURE, LOOK_BACK
from yikao_alerts.plan import plan_of
from yikao_alerts.quiet import neighbourhood
from yikao_alerts.resident import Resident
from yikao_alerts.rules.model import RuleSet

CONTEXT: Final = timedelta(hours=26)
"""Read beyond the look-back window: a repeat must not be taken for a first reading because its
first has just left the window. Longer than the day after which a late reading only informs."""
UNIT: Final = "mmHg"
FIELDS: Final = ("systolic", "diastolic", "pulse")


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


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which values a resident's pressures, in mmHg, and pulse are quiet: open intervals.

    narrow: the pulse pressure at and below which a reading is not.
    """

    fields: Mapping[str, tuple[float, float]]
    narrow: float


def bounds(rules: RuleSet, resident: Resident, now: datetime) -> Bounds:
    """Return the bounds for one resident: those of `quiet.py`, for the rules that concern them."""
    screen = plan_of(rules, resident, now.year).screens[BLOOD_PRESSURE]
    fields = dict.fromkeys(FIELDS, (-inf, inf))
    fields |= {field: (low, high) for field, low, high in screen.zones.get(UNIT, ())}
    if screen.never:
        fields = dict.fromkeys(FIELDS, (inf, -inf))
    return Bounds(fields, screen.narrow.get(UNIT, -inf))
