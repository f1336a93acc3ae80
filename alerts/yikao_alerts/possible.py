"""Which readings are possible beyond doubt, seen before any rule is asked.

The rules that put a reading in quarantine leave a zone around the ordinary in which none of their
limits lies. Nearly every reading is in it; only the others are held against the rules themselves.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from yikao_alerts.from_wire import KNOWN, measurement_of
from yikao_alerts.history import PULSE_UNIT
from yikao_alerts.limits import PULSE_PRESSURE
from yikao_alerts.quiet import ROUNDING, Zone, stretches, widest_gap
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import ANY_KIND, Rule, RuleSet
from yikao_devices import wire


def impossible(rules: RuleSet, item: wire.Reading) -> Rule | None:
    """Return the rule that puts a reading in quarantine, or None."""
    if _ordinary(rules).holds(item):
        return None
    # No such rule looks at when a reading came.
    return rules.implausible(measurement_of(item, item.measured_at))


@dataclass(frozen=True, slots=True)
class Ordinary:
    """Where no quarantine rule has a limit, by kind and unit of an item.

    zones: name of a value in the item, and the zone it is in. apart: by how much systolic is to lie
    above diastolic.
    """

    zones: Mapping[tuple[str, str], tuple[tuple[str, float, float], ...]]
    apart: Mapping[str, tuple[float, float]]

    def holds(self, item: wire.Reading) -> bool:
        """Return whether no quarantine rule can be met by the item; False leaves it open."""
        if item.flags:
            return False
        for name, low, high in self.zones[wire.kind_of(item), item.unit]:
            value = getattr(item, name)
            if value is not None and not low < value < high:
                return False
        if not isinstance(item, wire.BloodPressureReading):
            return True
        least, most = self.apart[item.unit]
        if item.unit == "mmHg":
            return least < item.systolic_mmhg - item.diastolic_mmhg < most
        systolic, diastolic = item.systolic_kpa, item.diastolic_kpa
        if systolic is None or diastolic is None:
            return False
        return least < systolic - diastolic < most


@lru_cache(maxsize=4)
def _ordinary(rules: RuleSet) -> Ordinary:
    return ordinary(rules)


def ordinary(rules: RuleSet) -> Ordinary:
    """Return the zones that the quarantine rules of a rule set leave."""
    taken: dict[tuple[str, str, str], list[Zone]] = defaultdict(list)
    for rule in rules.rules:
        if rule.quarantine and isinstance(rule.form, OnReading):
            for place, zone in _taken(rule, rule.form):
                taken[place].append(zone)

    def free(kind: str, field: str, unit: str) -> tuple[float, float]:
        gap = widest_gap(taken[kind, field, unit] + taken[ANY_KIND, field, unit])
        return gap.low, gap.high

    zones = {
        said: tuple(
            (name, *free(known.kind, field, PULSE_UNIT if field == "pulse" else known.unit))
            for field, name in known.fields.items()
        )
        for said, known in KNOWN.items()
    }
    apart = {}
    for kind, unit, _ in KNOWN.values():
        low, high = free(kind, PULSE_PRESSURE, unit)
        apart[unit] = (low + ROUNDING, high - ROUNDING)
    return Ordinary(zones, apart)


def _taken(rule: Rule, form: OnReading) -> Iterator[tuple[tuple[str, str, str], Zone]]:
    """Yield which values may meet a rule, its conditions left aside: they only exempt."""
    for limit in form.any:
        for unit, stretch in stretches(limit):
            yield (rule.kind, limit.field, unit), stretch
    if form.order is not None:
        for kind, unit, _ in KNOWN.values():
            # Of systolic and diastolic, the one pair that has an order.
            yield (kind, PULSE_PRESSURE, unit), Zone(-inf, 0.0)
