"""One plan for all residents whom the rules take for alike: it must be the plan of each of them."""

from datetime import date

import pytest

from yikao_alerts.plan import plan_of
from yikao_alerts.resident import AGE_MAX, GROUPS, OPTIONS, Resident
from yikao_alerts.rules import load_rules
from yikao_alerts.targets import effective_targets, with_targets

RULES = load_rules()
YEAR = 2026
DAY = date(YEAR, 1, 1)
TARGETS = {"target_systolic_mmhg": 125.0, "pulse_min_bpm": 45.0}

BY_AGE = [Resident(YEAR - age, "f") for age in range(-1, AGE_MAX + 2)]
BY_GROUP = [Resident(1950, "m", groups=frozenset({group})) for group in GROUPS]
BY_OPTION = [Resident(1930, None, options=frozenset({option})) for option in OPTIONS]
OWN = [Resident(), Resident(1950, "m", targets=TARGETS), Resident(1990, "f", targets=TARGETS)]


@pytest.mark.parametrize("residents", [BY_AGE, BY_GROUP, BY_OPTION, OWN])
def test_the_plan_holds_the_rules_that_concern_the_resident(residents: list[Resident]) -> None:
    for resident in residents:
        targets = effective_targets(resident, RULES, DAY)
        concerned = {
            rule.id: with_targets(rule, targets) if targets else rule
            for rule in RULES.rules
            if rule.lane == "acute" and rule.who.met_by(resident, DAY)
        }
        plan = plan_of(RULES, resident, YEAR)
        held = [rule for rules in plan.judged.values() for rule in rules]
        assert {rule.id: rule for rule in (*held, *plan.on_report, *plan.quality)} == concerned


def test_residents_who_are_alike_share_a_plan() -> None:
    assert plan_of(RULES, Resident(1950, "f"), YEAR) is plan_of(RULES, Resident(1951, "m"), YEAR)


def test_a_bound_of_age_or_an_own_target_makes_another_plan() -> None:
    ours = plan_of(RULES, Resident(1950, "f"), YEAR)
    assert ours is not plan_of(RULES, Resident(1980, "f"), YEAR)
    assert ours is not plan_of(RULES, Resident(1950, "f", targets=TARGETS), YEAR)
