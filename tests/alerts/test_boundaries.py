"""The limits to the last digit: what every evaluator has to say of these readings, and no more.

A case is what is measured and reported, in whom, and which rules ask for somebody today or now.
Confirmed means: measured again, with the same result; alone: nobody replied.
"""

from datetime import timedelta
from typing import NamedTuple

import pytest
from reading_parts import ADA, ANYBODY, RULES, bp, look, minutes, other, says, sugar, t

from yikao_alerts.history import Measurement, Symptoms
from yikao_alerts.resident import Resident
from yikao_alerts.rules import RuleSet
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import PAGING
from yikao_devices.symptoms import SYMPTOMS

EIGHT, LATER, NEXT = t("08:00"), t("08:01"), t("08:06")
SOON_AFTER = minutes(2)
PREGNANT = Resident(groups=frozenset({"pregnant"}))


def asked(
    *items: Measurement | Symptoms,
    resident: Resident = ANYBODY,
    rules: RuleSet = RULES,
    after: timedelta = SOON_AFTER,
) -> set[str]:
    """Return the rules that ask for somebody, so long after the last of the items was made."""
    now = max(item.at for item in items) + after
    findings = look(now, *items, resident=resident, rules=rules).findings
    return {finding.rule_id for finding in findings if finding.severity in PAGING}


class Pressure(NamedTuple):
    high: float
    low: float
    alone: set[str]
    """Two minutes after a single reading."""
    confirmed: set[str]
    unit: str = "mmHg"


NONE: set[str] = set()
PRESSURES = [
    Pressure(179, 109, NONE, NONE),
    Pressure(180, 80, NONE, {"BP-03"}),
    Pressure(150, 110, NONE, {"BP-03"}),
    Pressure(199, 119, NONE, {"BP-03"}),
    Pressure(200, 100, {"BP-04"}, {"BP-03", "BP-04"}),
    Pressure(160, 120, {"BP-04"}, {"BP-03", "BP-04"}),
    Pressure(89, 60, NONE, {"BP-12"}),
    Pressure(90, 60, NONE, NONE),
    Pressure(23.9, 14.6, NONE, NONE, "kPa"),
    Pressure(24.0, 10.7, NONE, {"BP-03"}, "kPa"),
    Pressure(20.0, 14.7, NONE, {"BP-03"}, "kPa"),
    Pressure(26.6, 15.9, NONE, {"BP-03"}, "kPa"),
    Pressure(26.7, 13.3, {"BP-04"}, {"BP-03", "BP-04"}, "kPa"),
    Pressure(20.0, 16.0, {"BP-04"}, {"BP-03", "BP-04"}, "kPa"),
    Pressure(11.9, 8.0, NONE, {"BP-12"}, "kPa"),
    Pressure(12.0, 8.0, NONE, NONE, "kPa"),
]


@pytest.mark.parametrize("case", PRESSURES)
def test_pressures(case: Pressure) -> None:
    first = bp(case.high, case.low, EIGHT, unit=case.unit)
    again = [bp(case.high, case.low, at, unit=case.unit) for at in (LATER, NEXT)]
    assert asked(first) == case.alone
    assert asked(first, *again) == case.confirmed
    assert asked(first, again[0], after=minutes(11)) == case.confirmed, "no third, if one was asked"
    assert asked(first, after=minutes(11)) == case.confirmed, "nobody replied: acts as confirmed"


@pytest.mark.parametrize(
    ("reading", "symptom", "rules"),
    [
        (bp(180, 95, EIGHT), "vomiting", {"BP-01"}),
        (bp(179, 95, EIGHT), "vomiting", NONE),
        (bp(24.0, 12.7, EIGHT, unit="kPa"), "vomiting", {"BP-01"}),
        (bp(23.9, 12.7, EIGHT, unit="kPa"), "vomiting", NONE),
        (bp(125, 75, EIGHT), "chest_pain", {"BP-02"}),
        (bp(125, 75, EIGHT), "vomiting", NONE),
        (bp(88, 48, EIGHT), "cold_sweat", {"BP-11"}),
        (bp(100, 49, EIGHT), "near_syncope", {"BP-11"}),
        (bp(90, 50, EIGHT), "near_syncope", NONE),
        (bp(88, 60, EIGHT), "none", NONE),
    ],
)
def test_pressures_with_a_symptom(reading: Measurement, symptom: str, rules: set[str]) -> None:
    assert asked(reading, says(symptom, LATER)) == rules


def test_all_that_an_extreme_confirmed_pressure_with_a_symptom_is() -> None:
    items = [bp(205, 125, EIGHT), bp(205, 125, LATER), says("vomiting", LATER)]
    assert asked(*items) == {"BP-01", "BP-03", "BP-04"}


@pytest.mark.parametrize(
    "code", ["chest_pain", "fast_positive", "unconscious", "seizure", "breathless_cannot_lie_flat"]
)
def test_some_symptoms_need_no_reading(code: str) -> None:
    assert "BP-02" in asked(says(code, EIGHT))


@pytest.mark.parametrize(
    ("reading", "symptom", "alone", "later"),
    [
        (bp(139, 89, EIGHT), "none", NONE, NONE),
        (bp(140, 80, EIGHT), "none", NONE, {"BP-20"}),
        (bp(120, 90, EIGHT), "none", NONE, {"BP-20"}),
        (bp(142, 88, EIGHT), "epigastric_pain", {"BP-21"}, {"BP-21"}),
        (bp(139, 95, EIGHT), "epigastric_pain", NONE, {"BP-20"}),
        (bp(160, 100, EIGHT), "none", {"BP-19"}, {"BP-19"}),
        (bp(150, 110, EIGHT), "none", {"BP-19"}, {"BP-19", "BP-03"}),
        (bp(18.6, 11.9, EIGHT, unit="kPa"), "none", NONE, NONE),
        (bp(18.7, 10.0, EIGHT, unit="kPa"), "none", NONE, {"BP-20"}),
        (bp(21.3, 13.3, EIGHT, unit="kPa"), "none", {"BP-19"}, {"BP-19"}),
    ],
)
def test_in_pregnancy(reading: Measurement, symptom: str, alone: set[str], later: set[str]) -> None:
    items = [reading, says(symptom, LATER)]
    assert asked(*items, resident=PREGNANT) == alone
    assert asked(*items, resident=PREGNANT, after=minutes(11)) == later
    assert not asked(*items, after=minutes(11)) & {"BP-19", "BP-20", "BP-21"}


@pytest.mark.parametrize(
    ("pulse", "rules"), [(130, NONE), (131, {"PR-01"}), (40, {"PR-01"}), (41, NONE)]
)
def test_pulses(pulse: float, rules: set[str]) -> None:
    first = bp(125, 75, EIGHT, pulse=pulse)
    assert asked(first) == NONE
    assert asked(first, bp(125, 75, NEXT, pulse=pulse)) == rules
    assert asked(first, after=minutes(11)) == rules
    at_once = bp(125, 75, LATER, pulse=75)
    assert asked(first, at_once, after=minutes(11)) == rules, "five minutes of rest first"
    oximeter = other("spo2", 97, EIGHT, pulse=pulse)
    assert asked(oximeter, after=minutes(11)) == rules


@pytest.mark.parametrize(
    ("value", "unit", "cn", "ada"),
    [
        (4.0, "mmol/L", NONE, NONE),
        (3.9, "mmol/L", {"GL-03"}, NONE),
        (3.8, "mmol/L", {"GL-03"}, {"GL-03"}),
        (3.0, "mmol/L", {"GL-03"}, {"GL-03"}),
        (2.9, "mmol/L", {"GL-02"}, {"GL-02"}),
        (71, "mg/dL", NONE, NONE),
        (70, "mg/dL", {"GL-03"}, NONE),
        (69, "mg/dL", {"GL-03"}, {"GL-03"}),
        (54, "mg/dL", {"GL-03"}, {"GL-03"}),
        (53, "mg/dL", {"GL-02"}, {"GL-02"}),
        (33.3, "mmol/L", {"GL-06"}, {"GL-06"}),
        (600, "mg/dL", {"GL-06"}, {"GL-06"}),
    ],
)
def test_glucose_at_once(value: float, unit: str, cn: set[str], ada: set[str]) -> None:
    assert asked(sugar(value, EIGHT, unit=unit)) == cn
    assert asked(sugar(value, EIGHT, unit=unit), rules=ADA) == ada


@pytest.mark.parametrize(
    ("value", "unit", "rules"),
    [
        (16.6, "mmol/L", NONE),
        (16.7, "mmol/L", {"GL-05"}),
        (299, "mg/dL", NONE),
        (300, "mg/dL", {"GL-05"}),
    ],
)
@pytest.mark.parametrize("rule_set", [RULES, ADA])
def test_very_high_glucose_after_a_repeat(
    value: float, unit: str, rules: set[str], rule_set: RuleSet
) -> None:
    first, repeat = sugar(value, EIGHT, unit=unit), sugar(value, NEXT, unit=unit)
    assert asked(first, rules=rule_set) == NONE
    assert asked(first, repeat, rules=rule_set) == rules
    assert asked(first, rules=rule_set, after=minutes(21)) == rules


@pytest.mark.parametrize(
    ("reading", "symptom", "rules"),
    [
        (sugar(2.9, EIGHT), "confusion", {"GL-01", "GL-02"}),
        (sugar(53, EIGHT, unit="mg/dL"), "confusion", {"GL-01", "GL-02"}),
        (sugar(3.0, EIGHT), "confusion", {"GL-03"}),
        (sugar(4.5, EIGHT), "hypo_needs_help", {"GL-01"}),
        (sugar(None, EIGHT, flags=("hi",)), "none", {"GL-06"}),
        (sugar(None, EIGHT, flags=("lo",)), "none", {"GL-02"}),
    ],
)
def test_glucose_with_a_symptom_or_a_flag(
    reading: Measurement, symptom: str, rules: set[str]
) -> None:
    assert asked(reading, says(symptom, LATER)) == rules


@pytest.mark.parametrize("code", ["hypo_needs_help", "unconscious", "seizure"])
def test_the_worst_low_needs_no_reading(code: str) -> None:
    assert "GL-01" in asked(says(code, EIGHT))


@pytest.mark.parametrize(
    ("value", "rules"), [(0.5, NONE), (0.6, {"GL-15"}), (1.5, {"GL-15"}), (1.6, {"GL-08"})]
)
def test_ketones(value: float, rules: set[str]) -> None:
    assert asked(other("ketone", value, EIGHT)) == rules


@pytest.mark.parametrize("unit", ["", "psi", "mmol/L"])
def test_a_pressure_in_no_unit_that_is_known_never_crashes(unit: str) -> None:
    assert asked(bp(120, 80, EIGHT, unit=unit)) == NONE
    assert asked(bp(205, 120, EIGHT, unit=unit)) == {"BP-04"}, "it is read in each it could be"


COMBINED = {
    "BP-01": bp(180, 95, EIGHT),
    "BP-11": bp(89, 60, EIGHT),
    "BP-21": bp(140, 80, EIGHT),
    "GL-01": sugar(2.9, EIGHT),
}


def combinations() -> list[tuple[str, str, bool]]:
    """Return each rule that wants a symptom beside a value, with each symptom there is."""
    wanted = {rule.id: rule.form for rule in RULES.rules if rule.id in COMBINED}
    return [
        (rule_id, code, code in form.with_symptoms | form.alone_symptoms)
        for rule_id, form in wanted.items()
        if isinstance(form, OnReading)
        for code in sorted(SYMPTOMS)
    ]


@pytest.mark.parametrize(("rule_id", "code", "met"), combinations())
def test_each_symptom_beside_a_value_at_the_limit(rule_id: str, code: str, met: bool) -> None:
    reading = COMBINED[rule_id]
    assert (rule_id in asked(reading, says(code, LATER), resident=PREGNANT)) is met
    hours = says(code, EIGHT + minutes(61))
    far = asked(reading, hours, resident=PREGNANT)
    assert (rule_id in far) is (met and rule_id == "GL-01" and alone(code)), "an hour apart"


def alone(code: str) -> bool:
    form = RULES.rule("GL-01").form
    return isinstance(form, OnReading) and code in form.alone_symptoms
