"""Which acute rules concern one resident, sorted so that a look at them is quick.

Computed once for a rule set and all residents whom it takes for alike, and kept: the rules of the
people they are among, with the own targets in place of the numbers they replace.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import inf
from typing import Final

from yikao_alerts.history import PULSE_UNIT, UNITS, Measurement
from yikao_alerts.limits import PULSE_PRESSURE, value_of
from yikao_alerts.quiet import Place, Screen, Zone, limits_by_field, screens, zones
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import ClockError, Drop, Gain, OnReading
from yikao_alerts.rules.model import Rule, RuleSet
from yikao_alerts.targets import effective_targets, with_targets

KEPT: Final = 4096
"""Plans kept, for so many different sets of age band, groups, options and targets: one takes
milliseconds to make."""
RESIDENTS: Final = 16_384
"""Residents kept with their plan: those of a county, whose readings come every day."""
ANY_TIME: Final = timedelta(days=36_500)
"""Where a rule set says nothing of clocks."""
JUDGED: Final = (OnReading, Drop, Gain)
"""Forms that look at what the resident's body does; the others look at the data."""

Stretch = tuple[str, float, float]
"""A field, and from where to where a value of it begins to matter, both included."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule on readings of one kind, and by what a reading is seen at a glance not to concern it.

    Of a rule that looks at means a reading matters that pulls the mean to its limit, also from
    beyond it. `always`: nothing is seen at a glance.
    """

    rule: Rule
    by_unit: Mapping[str, tuple[Stretch, ...]]
    flags: frozenset[str]
    always: bool

    def concerns(self, measurement: Measurement) -> bool:
        """Return whether a loud reading may have a part in meeting the rule."""
        if self.always:
            return True
        for field, low, high in self.by_unit.get(measurement.unit, ()):
            plain = field != PULSE_PRESSURE
            value = measurement.values.get(field) if plain else value_of(measurement, field)
            if value is not None and low <= value <= high:
                return True
        return bool(measurement.flags) and not self.flags.isdisjoint(measurement.flags)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The acute rules of one resident: `judged` by kind, in the order of the rule set.

    watches: the same, with what shows at a glance which readings they are about.
    """

    judged: Mapping[str, tuple[Rule, ...]]
    watches: Mapping[str, tuple[Watch, ...]]
    on_report: tuple[Rule, ...]
    """Rules that a symptom alone can meet."""
    quality: tuple[Rule, ...]
    screens: Mapping[str, Screen]
    future: timedelta
    """How far ahead of its arrival a reading may say it was made."""
    year_min: int


@lru_cache(maxsize=RESIDENTS)
def plan_of(rules: RuleSet, resident: Resident, year: int) -> Plan:
    """Return the plan for a resident in a year; ages are reached at its beginning.

    Those whom the rule set takes for alike have the very same.
    """
    return _plan_of(rules, _likeness(resident, rules, year), year)


def _likeness(resident: Resident, rules: RuleSet, year: int) -> Resident:
    """Return somebody of whom all rules think as of `resident`, the same for all who are alike."""
    bounds, groups, options = _told_apart_by(rules)
    age = resident.age_at(date(year, 1, 1))
    # Below every bound is as good as unknown: see `Who`.
    reached = [] if age is None else [bound for bound in bounds if bound <= age]
    return Resident(
        year - max(reached) if reached else None,
        None,
        resident.groups & groups,
        resident.targets,
        resident.options & options,
    )


@lru_cache(maxsize=8)
def _told_apart_by(rules: RuleSet) -> tuple[frozenset[int], frozenset[str], frozenset[str]]:
    """Return the ages, groups and options by which rules and templates tell residents apart."""
    asked = [rule.who for rule in rules.rules] + [each.who for each in rules.templates]
    bounds = {bound for w in asked for bound in (w.age_at_least, w.age_below, w.or_age_at_least)}
    return (
        frozenset(bound for bound in bounds if bound is not None),
        frozenset().union(*(w.groups_all | w.groups_any | w.groups_none for w in asked)),
        frozenset().union(*(w.options_all for w in asked)),
    )


@lru_cache(maxsize=KEPT)
def _plan_of(rules: RuleSet, resident: Resident, year: int) -> Plan:
    day = date(year, 1, 1)
    targets = effective_targets(resident, rules, day)
    concerned = (r for r in rules.rules if r.lane == "acute" and r.who.met_by(resident, day))
    own = tuple(with_targets(rule, targets) if targets else rule for rule in concerned)
    judged = [rule for rule in own if _is_judged(rule)]
    clocks = [rule.form for rule in own if isinstance(rule.form, ClockError)]
    quiet = zones(own)
    return Plan(
        {kind: tuple(rule for rule in judged if rule.kind == kind) for kind in UNITS},
        {kind: tuple(_watch(r, quiet) for r in judged if r.kind == kind) for kind in UNITS},
        tuple(r for r in judged if isinstance(r.form, OnReading) and r.form.alone_symptoms),
        tuple(rule for rule in own if not _is_judged(rule)),
        screens(own),
        min((form.future for form in clocks), default=ANY_TIME),
        max((form.year_min for form in clocks), default=0),
    )


def _is_judged(rule: Rule) -> bool:
    return isinstance(rule.form, JUDGED) and not rule.quarantine


def _watch(rule: Rule, quiet: Mapping[Place, Zone]) -> Watch:
    form = rule.form
    if not isinstance(form, OnReading):
        return Watch(rule, {}, frozenset(), always=True)
    limited = limits_by_field([rule])
    by_unit = {unit: tuple(_stretches(rule, unit, limited, quiet)) for unit in UNITS[rule.kind]}
    return Watch(rule, by_unit, form.flags, always=form.order is not None)


def _stretches(
    rule: Rule,
    unit: str,
    limited: Mapping[Place, tuple[Zone, ...]],
    quiet: Mapping[Place, Zone],
) -> Iterator[Stretch]:
    """Yield where values matter: a limit's stretch, and for a count what lies beyond it too.

    The mean of a sitting lies in a band only if one of its readings does, or lies beyond the band
    on the side that is away from the quiet zone.
    """
    assert isinstance(rule.form, OnReading), f"{rule.id}: only readings have limits"
    for place, stretches in limited.items():
        _, field, own = place
        if own != (PULSE_UNIT if field == "pulse" else unit):
            continue
        for each in stretches:
            if not rule.form.times:
                yield field, each.low, each.high
            elif each.high <= quiet[place].low:
                yield field, -inf, each.high
            else:
                yield field, each.low, inf
