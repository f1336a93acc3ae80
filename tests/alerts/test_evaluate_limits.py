"""Each limit of each acute rule, at its number and beside it, in each unit and in none."""

from dataclasses import replace
from typing import NamedTuple

import pytest
from reading_parts import ADA, CUFF, RULES, t

from yikao_alerts.history import PULSE_UNIT, UNITS, Measurement, key_of
from yikao_alerts.limits import PULSE_PRESSURE, Limit
from yikao_alerts.plan import plan_of
from yikao_alerts.resident import GROUPS, Resident
from yikao_alerts.rules import Rule
from yikao_alerts.rules.forms import OnReading

EIGHT = t("08:00")
EVERYTHING = frozenset(GROUPS) - {"known_af"}


class Case(NamedTuple):
    """One limit of a rule, in one unit."""

    rule: Rule
    limit: Limit
    unit: str


def cases() -> list[Case]:
    return [
        Case(rule, limit, unit)
        for rules in (RULES, ADA)
        for rule in rules.rules
        if isinstance(rule.form, OnReading) and rule.lane == "acute"
        for limit in rule.form.any
        for unit in limit.values
    ]


def reading(case: Case, value: float) -> Measurement:
    """Return a reading with nothing but the value, taken as the rule asks."""
    rule, limit, unit = case
    own = UNITS[rule.kind][0] if unit == PULSE_UNIT else unit
    values = {limit.field: value}
    if limit.field == PULSE_PRESSURE:
        values = {"systolic": 100 + value, "diastolic": 100.0}
    context = min(limit.contexts, default=None)
    key = key_of(rule.kind, CUFF, EIGHT)
    return Measurement(key, rule.kind, EIGHT, EIGHT, own, values, context=context)


def step(case: Case) -> float:
    """Return the last digit that such a device shows."""
    return 1.0 if case.unit in ("mmHg", "mg/dL", "bpm", "%") else 0.1


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.rule.id}-{case.unit}")
def test_below_at_and_above(case: Case) -> None:
    number = case.limit.values[case.unit]
    beside = {"ge": (False, True, True), "gt": (False, False, True)}
    beside |= {"le": (True, True, False), "lt": (True, False, False)}
    values = (round(number - step(case), 6), number, round(number + step(case), 6))
    alone = replace(case.rule, form=OnReading(any=(case.limit,)))
    met = tuple(alone.met_by(reading(case, value)) for value in values)
    assert met == beside[case.limit.op]


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.rule.id}-{case.unit}")
def test_nothing_is_met_without_its_value_its_unit_or_its_context(case: Case) -> None:
    met = reading(case, case.limit.values[case.unit])
    assert not case.rule.met_by(replace(met, values={}))
    assert not case.rule.met_by(replace(met, kind="cgm"))
    if case.unit != PULSE_UNIT:
        assert not case.rule.met_by(replace(met, unit="")), "no unit is never taken for one"
    if case.limit.contexts:
        assert not case.rule.met_by(replace(met, context=None))
        assert not case.rule.met_by(replace(met, context="unknown"))


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.rule.id}-{case.unit}")
def test_what_meets_a_limit_is_seen_at_first_sight(case: Case) -> None:
    """No shortcut may lose a reading: it is loud, and its rule is asked about it."""
    plan = plan_of(RULES, Resident(birth_year=1940, groups=EVERYTHING), 2026)
    number = case.limit.values[case.unit]
    for value in (number - step(case), number, number + step(case)):
        measurement = reading(case, round(value, 6))
        for rule, concerned in plan.glances[case.rule.kind].dealt([measurement]):
            if rule.met_by(measurement):
                assert concerned == [measurement]
                assert not plan.screens[measurement.kind].passes(measurement)
