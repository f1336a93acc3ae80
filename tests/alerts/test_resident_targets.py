"""Which targets hold for whom, and the rules with a resident's own numbers in them."""

from collections.abc import Mapping
from datetime import date

import pytest

from yikao_alerts.resident import Resident
from yikao_alerts.rules import load_rules
from yikao_alerts.targets import (
    effective_targets,
    rule_for,
    rules_for,
    targets_with_source,
    with_targets,
)

RULES = load_rules("cn")
ABROAD = load_rules("international")
DAY = date(2026, 3, 2)


def born(age: int, *groups: str, options: tuple[str, ...] = (), **targets: float) -> Resident:
    return Resident(2026 - age, None, frozenset(groups), targets, frozenset(options))


def pressures(resident: Resident) -> tuple[float, float] | None:
    held = effective_targets(resident, RULES, DAY)
    if "target_systolic_mmhg" not in held:
        return None
    return held["target_systolic_mmhg"], held["target_diastolic_mmhg"]


@pytest.mark.parametrize(
    ("resident", "target"),
    [
        (Resident(), None),
        (born(64), None),
        (born(64, options=("office_target_130_80",)), (130, 80)),
        (born(70, options=("office_target_130_80",)), (135, 85)),
        (born(65), (135, 85)),
        (born(79), (135, 85)),
        (born(80), (145, 90)),
        (born(70, "frail"), (145, 90)),
        (Resident(groups=frozenset({"frail"})), (145, 90)),
        (born(80, target_systolic_mmhg=150, target_diastolic_mmhg=95), (150, 95)),
        (born(80, target_systolic_mmhg=150), (150, 90)),
    ],
)
def test_home_pressure(resident: Resident, target: tuple[float, float] | None) -> None:
    assert pressures(resident) == target


@pytest.mark.parametrize(
    ("resident", "abroad", "fasting", "bedtime"),
    [
        (born(70, options=("health_good",)), False, (5.0, 7.2), (5.0, 8.3)),
        (born(70, options=("health_intermediate",)), False, (5.0, 8.3), (5.6, 10.0)),
        (born(70, options=("health_poor",)), False, (5.6, 10.0), (6.1, 11.1)),
        (born(70, "insulin", options=("health_good",)), False, (5.0, 8.3), (5.6, 10.0)),
        (
            born(70, "sulfonylurea", options=("health_intermediate",)),
            False,
            (5.6, 8.3),
            (8.3, 10.0),
        ),
        (born(70, "insulin", options=("health_poor",)), False, (5.6, 10.0), (8.3, 13.9)),
        (born(70, options=("health_good",)), True, (4.4, 7.2), (4.4, 10.0)),
        (born(70, "insulin", options=("health_good",)), True, (4.4, 7.2), (4.4, 10.0)),
        (born(70, "insulin", options=("health_intermediate",)), True, (5.0, 8.3), (5.6, 10.0)),
        (born(70, options=("health_poor",)), True, (5.6, 10.0), (6.1, 11.1)),
    ],
)
def test_glucose_in_old_age(
    resident: Resident, abroad: bool, fasting: tuple[float, float], bedtime: tuple[float, float]
) -> None:
    held = effective_targets(resident, ABROAD if abroad else RULES, DAY)
    for name, (low, high) in (("fasting", fasting), ("bedtime", bedtime)):
        assert held[f"target_{name}_low_mmol_l"] == low
        assert held[f"target_{name}_mmol_l"] == high


def test_health_says_nothing_below_65_or_where_nobody_said_it() -> None:
    assert not effective_targets(born(60, options=("health_good",)), RULES, DAY)
    assert "target_fasting_mmol_l" not in effective_targets(born(70), RULES, DAY)


def test_where_a_target_comes_from() -> None:
    resident = born(80, "copd", target_systolic_mmhg=150.0)
    found = {each.name: each for each in targets_with_source(resident, RULES, DAY)}
    assert found["target_systolic_mmhg"].template is None
    frail, lungs = found["target_diastolic_mmhg"].template, found["spo2_min_pct"].template
    assert frail is not None and (frail.name, frail.rule_id) == ("FROM_80_OR_FRAIL", "BP-08")
    assert lungs is not None and lungs.source.startswith("NEWS2")
    assert list(found) == sorted(found)


def test_the_number_a_rule_has_for_one_resident() -> None:
    old = rule_for(born(82), RULES, "BP-06", DAY)
    assert old is not None and old.ends is not None
    values = [limit.values for limit in old.form.any]  # type: ignore[union-attr]
    assert values == [{"mmHg": 145, "kPa": 19.3}, {"mmHg": 90, "kPa": 12.0}]
    assert [limit.values["mmHg"] for limit in old.ends.limits] == [140, 85]
    assert rule_for(born(50), RULES, "BP-06", DAY) == RULES.rule("BP-06")
    assert rule_for(born(50), RULES, "BP-99", DAY) is None


def reached(rule_id: str, resident: Resident, field: str, value: float, unit: str) -> bool:
    rule = rule_for(resident, RULES, rule_id, DAY)
    assert rule is not None
    limits = rule.form.any  # type: ignore[union-attr]
    return any(limit.reached(value, unit) for limit in limits if limit.field == field)


@pytest.mark.parametrize(
    ("resident", "pages", "today"),
    [
        (born(50), {80, 87, 88, 91}, {92, 93}),
        (born(50, "copd"), {80, 87}, set()),
        (born(50, spo2_min_pct=85.0), {80}, set()),
        (born(50, "copd", spo2_min_pct=90.0), {80, 87, 88}, set()),
    ],
)
def test_oxygen_by_the_own_limit(resident: Resident, pages: set[int], today: set[int]) -> None:
    levels = (80, 87, 88, 91, 92, 93, 94)
    assert {v for v in levels if reached("SP-01", resident, "spo2", v, "%")} == pages
    assert {v for v in levels if reached("SP-01b", resident, "spo2", v, "%")} == today


@pytest.mark.parametrize(
    ("targets", "pages", "today"),
    [({}, {35, 36, 40}, {41, 50}), ({"pulse_min_bpm": 35.0}, {35}, set())],
)
def test_pulse_by_the_own_limit(
    targets: Mapping[str, float], pages: set[int], today: set[int]
) -> None:
    resident, levels = Resident(targets=targets), (35, 36, 40, 41, 50, 51, 110)
    assert {v for v in levels if reached("PR-01", resident, "pulse", v, "bpm")} == pages
    assert {v for v in levels if reached("PR-02", resident, "pulse", v, "bpm")} == today


def test_dry_weight_ends_a_gain_and_without_one_only_a_person_does() -> None:
    own = with_targets(RULES.rule("WT-01"), {"dry_weight_kg": 60.0})
    plain = with_targets(RULES.rule("WT-01"), {})
    assert own.normal is not None and plain.normal is not None
    assert own.normal.limits[0].reached(61.0, "kg")
    assert not own.normal.limits[0].reached(61.1, "kg")
    assert not plain.normal.limits[0].reached(40.0, "kg")


def test_a_rule_without_a_target_is_as_it_was() -> None:
    everything = {name: 50.0 for template in RULES.templates for name in template.targets}
    for rule in RULES.rules:
        if "target=" not in str(rule).replace("target=None", ""):
            assert with_targets(rule, everything) == rule


def test_what_ends_an_episode_is_the_own_number() -> None:
    """With a lung disease 88 % is all there is to reach; the rule set's 94 would never come."""
    lungs = Resident(groups=frozenset({"copd"}), targets={"spo2_min_pct": 85.0})
    (limit,) = rules_for(lungs, RULES, DAY.year).rule("SP-01").normal.limits  # type: ignore[union-attr]
    assert limit.values == {"%": 86.0}
    assert rules_for(Resident(), RULES, DAY.year) is RULES
