"""Which acute rules concern one resident, sorted so that a look at them is quick.

Computed once for a rule set and all residents whom it takes for alike, and kept: the rules of the
people they are among, with the own targets in place of the numbers they replace.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from yikao_alerts.glance import Glance, glance_of
from yikao_alerts.history import UNITS
from yikao_alerts.quiet import Screen, screens, zones
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import ClockError, Doubt, Drop, Gain, OnReading, UnitDoubt
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


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The acute rules of one resident: `judged` by kind, in the order of the rule set.

    glances: the same, with what shows at a glance which readings they are about. doubts: of the
    unit, by kind.
    """

    judged: Mapping[str, tuple[Rule, ...]]
    glances: Mapping[str, Glance]
    on_report: tuple[Rule, ...]
    """Rules that a symptom alone can meet."""
    quality: tuple[Rule, ...]
    doubts: Mapping[str, tuple[Doubt, ...]]
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
    quality = tuple(rule for rule in own if not _is_judged(rule))
    by_kind = {kind: tuple(rule for rule in judged if rule.kind == kind) for kind in UNITS}
    quiet = zones(own)
    return Plan(
        by_kind,
        {kind: glance_of(kind, rules, quiet) for kind, rules in by_kind.items()},
        tuple(r for r in judged if isinstance(r.form, OnReading) and r.form.alone_symptoms),
        quality,
        {kind: tuple(_doubts(kind, quality)) for kind in UNITS},
        screens(own),
        min((form.future for form in clocks), default=ANY_TIME),
        max((form.year_min for form in clocks), default=0),
    )


def _is_judged(rule: Rule) -> bool:
    return isinstance(rule.form, JUDGED) and not rule.quarantine


def _doubts(kind: str, rules: Iterable[Rule]) -> Iterator[Doubt]:
    for rule in rules:
        if isinstance(rule.form, UnitDoubt) and rule.kind == kind:
            yield from rule.form.any
