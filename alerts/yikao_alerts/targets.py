"""Which targets hold for one resident today, where each comes from, and the rules with them in.

What the doctor set wins; below it stand the templates of the rule set (65 and above, frail, COPD,
pregnancy, health in old age), of two that name the same target the one of the higher level. Where
none names it the rule's own number holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final

from yikao_alerts.limits import Limit
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import Drop, Form, Mean, OnReading, Spread
from yikao_alerts.rules.model import Rule, RuleSet, Template

KEPT: Final = 1024
"""Rule sets kept of residents with targets; more are made anew."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target in the unit that its name ends in; `template`: None where the doctor set it."""

    name: str
    value: float
    template: Template | None


def targets_with_source(resident: Resident, rules: RuleSet, day: date) -> tuple[Target, ...]:
    """Return the targets that hold on that day, by name, each with where it comes from."""
    found: dict[str, Target] = {}
    # The last of equal levels holds: the order of the file is kept by the sort.
    for template in sorted(rules.templates, key=lambda template: template.level):
        if template.who.met_by(resident, day):
            found |= {n: Target(n, value, template) for n, value in template.targets.items()}
    found |= {name: Target(name, value, None) for name, value in resident.targets.items()}
    return tuple(found[name] for name in sorted(found))


def effective_targets(resident: Resident, rules: RuleSet, day: date) -> Mapping[str, float]:
    """Return the targets that hold on that day, by name."""
    return {each.name: each.value for each in targets_with_source(resident, rules, day)}


def with_targets(rule: Rule, targets: Mapping[str, float]) -> Rule:
    """Return the rule with these effective targets in place of the numbers they replace.

    Its limits, its upgrades, and when it is over: all of what a resident's own number changes.
    """
    normal, ends = rule.normal, rule.ends
    return replace(
        rule,
        form=_form(rule, targets),
        upgrades=tuple(replace(u, limits=_own(u.limits, targets)) for u in rule.upgrades),
        normal=normal and replace(normal, limits=_own(normal.limits, targets)),
        ends=ends and replace(ends, limits=_own(ends.limits, targets)),
    )


@lru_cache(maxsize=KEPT)
def rules_for(resident: Resident, rules: RuleSet, year: int) -> RuleSet:
    """Return the rule set as it is for a resident in a year; ages are reached at its beginning."""
    targets = effective_targets(resident, rules, date(year, 1, 1))
    if not targets:
        return rules
    return replace(rules, rules=tuple(with_targets(rule, targets) for rule in rules.rules))


def rule_for(resident: Resident, rules: RuleSet, rule_id: str, day: date) -> Rule | None:
    """Return the rule called `rule_id` as it is for a resident; None where it is gone."""
    found = next((rule for rule in rules.rules if rule.id == rule_id), None)
    return found and with_targets(found, effective_targets(resident, rules, day))


def _form(rule: Rule, targets: Mapping[str, float]) -> Form:
    form = rule.form
    match form:
        case OnReading() | Drop() | Spread():
            return replace(form, any=_own(form.any, targets))
        case Mean():
            return replace(form, any=_own(form.any, targets), and_all=_own(form.and_all, targets))
        case _:
            return form


def _own(limits: tuple[Limit, ...], targets: Mapping[str, float]) -> tuple[Limit, ...]:
    return tuple(limit.own(targets) for limit in limits)
