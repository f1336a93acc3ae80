"""Which readings can matter to no acute rule: said of the rules themselves, never guessed.

For each value there is a zone around the ordinary in which no limit of any rule lies. A reading
all of whose values are in their zones, with no flag and no context that a rule names, in time, by
a known device, is *quiet*: no rule is met by it, alone or together with others.

What may be left out, for a back-test of years, without changing a single finding: quiet readings
further than `neighbourhood` from every reading that is not quiet and from every symptom report,
where nothing in the same session is kept either. Quiet readings near a loud one stay: they are its
repeats, the other half of its session, the rounds of its re-check. For residents with a rule on
gains of weight no weight is quiet. Not in the zones, because they depend on other readings, and so
to be kept as loud: readings unlike the own profile (`quality.distance`), the first reading of a
device not seen before, and of each kind the first possible reading after an impossible one (it
ends a row of them).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import inf, isinf
from typing import Final

from yikao_alerts.history import FIELDS, PULSE_UNIT, UNITS, Measurement
from yikao_alerts.limits import DERIVED_DIGITS, PULSE_PRESSURE, Limit
from yikao_alerts.rules.forms import ClockError, Doubt, Drop, Gain, OnReading, UnitDoubt
from yikao_alerts.rules.model import Rule, RuleSet
from yikao_alerts.series import SESSION_GAP

SYMPTOM_WINDOW: Final = timedelta(minutes=60)
"""A symptom belongs to readings up to so long before or after it: D, no guideline figure."""
RISING_WITHIN: Final = timedelta(hours=6)
"""A repeat that is asked for in 2 to 4 hours has come by then, or is none: D."""

ROUNDING: Final = 10.0**-DERIVED_DIGITS
"""What a difference may be off before it is rounded: so near a limit a reading is loud."""

Place = tuple[str, str, str]
"""Kind, field, unit."""


@dataclass(frozen=True, slots=True)
class Zone:
    """Values strictly between `low` and `high` reach no limit."""

    low: float = -inf
    high: float = inf


def limits_by_field(rules: Iterable[Rule]) -> Mapping[Place, tuple[Zone, ...]]:
    """Return for each value in each unit the closed stretches that some acute rule looks for.

    A band open at one edge is given with both edges in it; so is a limit that excludes its number.
    """
    found: dict[Place, list[Zone]] = defaultdict(list)
    for rule in rules:
        for limit in _limits(rule):
            for unit, stretch in stretches(limit):
                found[rule.kind, limit.field, unit].append(stretch)
        for doubt in _doubts(rule):
            found[rule.kind, doubt.field, doubt.unit].append(Zone(doubt.low, doubt.high))
    return {place: tuple(own) for place, own in found.items()}


def stretches(limit: Limit) -> Iterator[tuple[str, Zone]]:
    """Yield, for each unit, the closed stretch of values that holds all that reach the limit."""
    for unit, number in limit.values.items():
        if limit.op in ("ge", "gt"):
            yield unit, Zone(number, inf if limit.below is None else limit.below[unit])
        else:
            yield unit, Zone(-inf, number)


def zones(rules: Iterable[Rule]) -> dict[Place, Zone]:
    """Return the quiet zone of each value in each unit: the widest that no limit touches."""
    limited = limits_by_field(rules)
    return {
        (kind, field, unit): widest_gap(limited.get((kind, field, unit), ()))
        for kind, units in UNITS.items()
        for field in (*FIELDS[kind], PULSE_PRESSURE)
        for unit in ((PULSE_UNIT,) if field == "pulse" else units)
    }


def _limits(rule: Rule) -> tuple[Limit, ...]:
    """Return what a single plausible reading may reach; the implausible are never quiet."""
    form = rule.form
    return form.any if isinstance(form, OnReading) and not rule.quarantine else ()


def _doubts(rule: Rule) -> tuple[Doubt, ...]:
    return rule.form.any if isinstance(rule.form, UnitDoubt) else ()


def widest_gap(stretches: Iterable[Zone]) -> Zone:
    """Return the widest gap between stretches; of gaps without an end the narrower number wins
    nothing, so an endless one is the widest of all."""
    widest, reached = Zone(inf, inf), -inf
    for stretch in sorted(stretches, key=lambda zone: zone.low):
        widest = max(widest, Zone(reached, stretch.low), key=_width)
        reached = max(reached, stretch.high)
    return max(widest, Zone(reached, inf), key=_width)


def _width(zone: Zone) -> float:
    if isinf(zone.low) and zone.low == zone.high:
        return -inf
    return zone.high - zone.low


@dataclass(frozen=True, slots=True)
class Screen:
    """What a reading of one kind has to be like to be quiet."""

    zones: Mapping[str, tuple[tuple[str, float, float], ...]]
    """For each unit of the kind, the zone of each field."""
    narrow: Mapping[str, float]
    """For each unit, the pulse pressure at and below which a reading is loud, if any."""
    flags: frozenset[str]
    contexts: frozenset[str]
    never: bool
    """No reading of the kind is quiet."""

    def passes(self, measurement: Measurement) -> bool:
        """Return whether no rule can be met by the reading, whatever else was measured."""
        own = self.zones.get(measurement.unit)
        if own is None or self.never or not measurement.plausible:
            return False
        values = measurement.values
        for field, low, high in own:
            value = values.get(field)
            if value is not None and not low < value < high:
                return False
        if measurement.flags and measurement.flags & self.flags:
            return False
        if measurement.context is not None and measurement.context in self.contexts:
            return False
        least = self.narrow.get(measurement.unit)
        return least is None or _wide(values, least)


def _wide(values: Mapping[str, float], least: float) -> bool:
    """Return whether the pulse pressure, where there is one, is above `least` beyond rounding."""
    high, low = values.get("systolic"), values.get("diastolic")
    return high is None or low is None or high - low > least + ROUNDING


def screens(rules: Iterable[Rule]) -> dict[str, Screen]:
    """Return the screen of each kind of reading for these acute rules."""
    held = tuple(rules)
    quiet = zones(held)
    flags = frozenset().union(*(_flags(rule) for rule in held))
    return {
        kind: Screen(
            {unit: tuple(_fields(quiet, kind, unit)) for unit in units},
            {
                unit: zone.low
                for unit in units
                if not isinf((zone := quiet[kind, PULSE_PRESSURE, unit]).low)
            },
            flags,
            frozenset().union(*(_contexts(rule) for rule in held if rule.kind == kind)),
            any(rule.kind == kind and _looks_at_all(rule) for rule in held),
        )
        for kind, units in UNITS.items()
    }


def _fields(
    quiet: Mapping[Place, Zone], kind: str, unit: str
) -> Iterator[tuple[str, float, float]]:
    for field in FIELDS[kind]:
        zone = quiet[kind, field, PULSE_UNIT if field == "pulse" else unit]
        if zone != Zone():
            yield field, zone.low, zone.high


def _flags(rule: Rule) -> frozenset[str]:
    match rule.form:
        case OnReading(flags=flags):
            return flags
        case ClockError(flag=flag):
            return frozenset({flag})
    return frozenset()


def _looks_at_all(rule: Rule) -> bool:
    """Return whether a rule compares every reading of its kind with something."""
    form = rule.form
    ordered = isinstance(form, OnReading) and form.order is not None and not rule.quarantine
    return ordered or isinstance(form, Gain)


def _contexts(rule: Rule) -> frozenset[str]:
    return rule.form.after if isinstance(rule.form, Drop) else frozenset()


def reach(rules: RuleSet) -> timedelta:
    """Return how far back from a reading any acute rule looks."""
    spans = [SYMPTOM_WINDOW, SESSION_GAP, RISING_WITHIN]
    for rule in rules.rules:
        match rule.form:
            case OnReading(times=times):
                spans += [each.within for each in times if each.within is not None]
            case Drop(within=within) | Gain(within=within):
                spans.append(within)
        spans += [downgrade.within for downgrade in rule.downgrades]
        spans += [rule.protocol.window] if rule.protocol else []
    return max(spans)


def neighbourhood(rules: RuleSet) -> timedelta:
    """Return how near a loud reading, by when it was measured or when it arrived, a quiet one has
    to be kept: for the protocols that look at what came before and after it."""
    spans = [SYMPTOM_WINDOW, RISING_WITHIN]
    for rule in rules.rules:
        spans += [rule.form.within] if isinstance(rule.form, Drop) else []
        spans += [downgrade.within for downgrade in rule.downgrades]
        spans += [rule.protocol.window] if rule.protocol else []
    for recheck in rules.rechecks.values():
        spans.append(recheck.every * recheck.rounds_max + recheck.silent)
    return max(spans) + SESSION_GAP
