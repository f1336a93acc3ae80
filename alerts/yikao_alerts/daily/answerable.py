"""Which worklist rules the days can answer: a rule set may ask for means that are not kept.

Kept are systolic and diastolic pressure by part of the day, and glucose fasting and not fasting.
"""

from typing import Final

from yikao_alerts.daily.glucose_days import MEALS, Meal
from yikao_alerts.history import BLOOD_PRESSURE, CGM, GLUCOSE
from yikao_alerts.limits import PULSE_PRESSURE
from yikao_alerts.rules.forms import ALL_DAY, Change, Mean, Share, Spread
from yikao_alerts.rules.model import Rule, RuleSet

FASTING: Final = frozenset(name for name, meal in MEALS.items() if meal is Meal.FASTING)
NOT_FASTING: Final = frozenset(MEALS) - FASTING
"""The contexts that a mean of glucose may ask for: all of one of the two."""

_PRESSURES: Final = frozenset({"systolic", "diastolic"})


def looked_at(rules: RuleSet) -> tuple[Rule, ...]:
    """Return the rules that `worklist` looks at, in their order."""
    return tuple(rule for rule in rules.rules if _is_asked(rule) and _answerable(rule))


def unanswered(rules: RuleSet) -> tuple[str, ...]:
    """Return the ids of rules on means, spreads and sensors that these days cannot answer."""
    return tuple(rule.id for rule in rules.rules if _is_asked(rule) and not _answerable(rule))


def _is_asked(rule: Rule) -> bool:
    return isinstance(rule.form, Mean | Spread | Change | Share)


def _answerable(rule: Rule) -> bool:
    match rule.form:
        case Mean() as form:
            return _mean(rule, form)
        case Spread(any=limits):
            return len(limits) == 1 and limits[0].field in _PRESSURES
        case Change(signal=signal):
            return (rule.kind, signal) in ((BLOOD_PRESSURE, "systolic"), (GLUCOSE, "glucose"))
        case _:
            return rule.kind == CGM


def _mean(rule: Rule, form: Mean) -> bool:
    limits = (*form.any, *form.and_all, *(rule.ends.limits if rule.ends else ()))
    fields = {limit.field for limit in limits}
    if rule.kind == BLOOD_PRESSURE:
        return fields <= _PRESSURES | {PULSE_PRESSURE} and not form.contexts
    whole_day = form.part == ALL_DAY and form.and_part is None and not form.min_mornings
    known = form.contexts in (FASTING, NOT_FASTING)
    return rule.kind == GLUCOSE and fields == {"glucose"} and whole_day and known
