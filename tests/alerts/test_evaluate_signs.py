"""Differences, own limits, and what makes a finding more or less severe: a table for each rule."""

from datetime import timedelta

import pytest
from reading_parts import ANYBODY, bp, found, look, minutes, other, says, sugar, t

from yikao_alerts.findings import Why
from yikao_alerts.history import Measurement, Symptoms
from yikao_alerts.resident import Resident

EIGHT = t("08:00")
HOUR = minutes(60)
HEART = Resident(groups=frozenset({"heart_failure"}))
COPD = Resident(groups=frozenset({"copd"}), targets={"spo2_min_pct": 87})
Told = list[tuple[str, str]]


def told(
    *items: Measurement | Symptoms, resident: Resident = ANYBODY, after: timedelta = HOUR
) -> Told:
    now = max(item.at for item in items) + after
    return [(rule, severity) for rule, severity, _ in found(now, *items, resident=resident)]


# Standing minus seated.
@pytest.mark.parametrize(
    ("seated", "standing", "unit", "met"),
    [
        ((130, 80), (110, 78), "mmHg", True),
        ((130, 80), (111, 78), "mmHg", False),
        ((130, 80), (125, 70), "mmHg", True),
        ((130, 80), (125, 71), "mmHg", False),
        ((130, 80), (150, 90), "mmHg", False),
        ((17.3, 10.7), (14.6, 10.5), "kPa", True),
        ((17.3, 10.7), (14.7, 10.5), "kPa", False),
        ((17.3, 10.7), (17.0, 9.4), "kPa", True),
    ],
)
def test_a_pressure_that_falls_on_standing(
    seated: tuple[float, float], standing: tuple[float, float], unit: str, met: bool
) -> None:
    sits = bp(*seated, EIGHT, unit=unit, context="seated")
    stands = bp(*standing, EIGHT + minutes(3), unit=unit, context="standing")
    assert told(sits, stands) == ([("BP-14", "this_week")] if met else [])


@pytest.mark.parametrize(
    ("one", "other_", "apart", "unit"),
    [
        ("seated", "standing", 3.1, "mmHg"),
        ("seated", None, 1, "mmHg"),
        (None, "standing", 1, "mmHg"),
        ("standing", "seated", 1, "mmHg"),
        ("seated", "standing", 1, "kPa"),
    ],
)
def test_no_fall_without_its_contexts_its_time_or_its_unit(
    one: str | None, other_: str | None, apart: float, unit: str
) -> None:
    high, low = (14.0, 10.0) if unit == "kPa" else (105, 70)
    sits = bp(135, 85, EIGHT, context=one)
    stands = bp(high, low, EIGHT + minutes(apart), context=other_, unit=unit)
    assert told(sits, stands) == []


def test_the_last_seated_reading_is_the_one_to_compare_with() -> None:
    sits = [bp(150, 85, EIGHT, context="seated"), bp(120, 80, EIGHT + minutes(1), context="seated")]
    stands = bp(110, 78, EIGHT + minutes(2), context="standing")
    assert told(*sits, stands) == []


@pytest.mark.parametrize("code", ["near_syncope", "syncope", "severe_headache_or_dizziness"])
def test_a_fall_of_pressure_that_is_felt_is_for_today(code: str) -> None:
    sits, stands = bp(130, 80, EIGHT, context="seated"), bp(105, 75, t("08:02"), context="standing")
    assert ("BP-14", "today") in told(sits, stands, says(code, t("08:03")))


# A narrow pulse pressure.
@pytest.mark.parametrize(
    ("high", "low", "unit", "expected"),
    [
        (110, 91, "mmHg", [("BP-16", "technical")]),
        (110, 90, "mmHg", []),
        (14.5, 11.9, "kPa", [("BP-16", "technical")]),
        (14.6, 11.9, "kPa", []),
    ],
)
def test_a_narrow_pulse_pressure(high: float, low: float, unit: str, expected: Told) -> None:
    first, repeat = bp(high, low, EIGHT, unit=unit), bp(high, low, t("08:01"), unit=unit)
    assert told(first, repeat, after=minutes(1)) == expected
    assert told(first) == expected, "nobody replied"


@pytest.mark.parametrize(("high", "severity"), [(99, "today"), (100, "technical")])
def test_a_narrow_pulse_pressure_and_a_low_pressure(high: float, severity: str) -> None:
    first, repeat = bp(high, high - 15, EIGHT), bp(high, high - 15, t("08:01"))
    alone = look(t("08:01"), first)
    assert [r.why for r in alone.refusals if r.rule_id == "BP-16"] == [Why.AWAITING_REPEAT]
    severities = [s for rule, s in told(first, repeat, after=minutes(1)) if rule == "BP-16"]
    assert severity in severities
    assert ("today" in severities) is (severity == "today")


def test_a_narrow_pulse_pressure_that_the_repeat_takes_back() -> None:
    assert told(bp(95, 80, EIGHT), bp(100, 74, t("08:01"))) == []


# Weight gained in three days.
@pytest.mark.parametrize(
    ("gain", "days", "resident", "met"),
    [
        (2.0, 3, HEART, True),
        (1.9, 3, HEART, False),
        (2.0, 1, HEART, True),
        (2.0, 4, HEART, False),
        (2.0, 3, ANYBODY, False),
    ],
)
def test_weight_gained(gain: float, days: int, resident: Resident, met: bool) -> None:
    before = other("weight", 70.3, EIGHT)
    after = other("weight", 70.3 + gain, t("08:00", days))
    assert told(before, after, resident=resident) == ([("WT-01", "today")] if met else [])


def test_the_lightest_of_the_days_before_counts() -> None:
    weights = [70.5, 69.8, 71.0, 71.8]
    days = [other("weight", kg, t("08:00", n)) for n, kg in enumerate(weights)]
    (finding,) = look(t("09:00", 3), *days, resident=HEART).findings
    assert finding.inputs == (days[3].key, days[1].key)
    assert finding.statistic == {"weight": 2.0}


def test_weight_gained_and_breathless_pages() -> None:
    days = [other("weight", kg, t("08:00", n)) for n, kg in enumerate([70, 72.5])]
    report = says("breathless_cannot_lie_flat", t("08:10", 1))
    assert ("WT-01", "page_now") in told(*days, report, resident=HEART)


# Oxygen and temperature.
@pytest.mark.parametrize(
    ("value", "resident", "expected"),
    [
        (94, ANYBODY, []),
        (93, ANYBODY, [("SP-01b", "today")]),
        (92, ANYBODY, [("SP-01b", "today")]),
        (91, ANYBODY, [("SP-01", "page_now")]),
        (92, COPD, []),
        (88, COPD, []),
        (88, Resident(groups=frozenset({"copd"})), []),
        (87, Resident(groups=frozenset({"copd"})), [("SP-01", "page_now")]),
        (87, COPD, [("SP-01", "page_now")]),
    ],
)
def test_oxygen(value: float, resident: Resident, expected: Told) -> None:
    first, repeat = other("spo2", value, EIGHT), other("spo2", value, t("08:02"))
    assert told(first, resident=resident, after=minutes(1)) == []
    assert told(first, repeat, resident=resident, after=minutes(1)) == expected
    assert told(first, resident=resident) == expected, "nobody replied"
    assert told(first, other("spo2", 97, t("08:02")), resident=resident) == []


@pytest.mark.parametrize(
    ("value", "diabetes", "met"),
    [
        (39.0, True, False),
        (39.1, True, True),
        (39.0, False, False),
        (39.1, False, True),
        (35.0, False, True),
        (35.1, False, False),
    ],
)
def test_temperature(value: float, diabetes: bool, met: bool) -> None:
    who = Resident(groups=frozenset({"diabetes"} if diabetes else ()))
    first, repeat = other("temperature", value, EIGHT), other("temperature", value, t("08:15"))
    expected = [("TP-01", "today")] if met else []
    assert told(first, resident=who, after=minutes(1)) == []
    assert told(first, repeat, resident=who, after=minutes(1)) == expected
    assert told(first, resident=who) == expected, "nobody replied"


# Ketones: more urgent in some people, with vomiting, or when they rise.
@pytest.mark.parametrize(
    ("resident", "symptom", "severity"),
    [
        (ANYBODY, "none", "today"),
        (ANYBODY, "vomiting", "page_now"),
        (Resident(groups=frozenset({"sglt2i"})), "none", "page_now"),
        (Resident(groups=frozenset({"pregnant"})), "none", "page_now"),
        (Resident(groups=frozenset({"insulin"})), "none", "today"),
    ],
)
def test_raised_ketones(resident: Resident, symptom: str, severity: str) -> None:
    items = [other("ketone", 0.8, EIGHT), says(symptom, t("08:05"))]
    assert told(*items, resident=resident) == [("GL-15", severity)]


@pytest.mark.parametrize(
    ("second", "at", "pages"),
    [
        (1.0, "10:00", True),
        (0.8, "10:00", False),
        (0.7, "10:00", False),
        (1.0, "12:00", True),
        (1.0, "16:00", False),
    ],
)
def test_ketones_that_rise_on_the_repeat(second: float, at: str, pages: bool) -> None:
    items = [other("ketone", 0.8, EIGHT), other("ketone", second, t(at))]
    assert (("GL-15", "page_now") in told(*items)) is pages


def test_what_raised_it_is_told_and_the_plain_finding_keeps_its_name() -> None:
    early = look(t("08:01"), other("ketone", 0.8, EIGHT)).findings
    items = [other("ketone", 0.8, EIGHT), says("vomiting", t("08:05"))]
    (raised,) = look(t("08:06"), *items).findings
    assert [f.confirmed for f in early] == ["unconfirmed"]
    assert (raised.confirmed, raised.because) == ("upgraded_page_now", ("vomiting",))
    assert raised.inputs == (items[0].key, items[1].key)


def test_several_reasons_for_the_same_are_one_finding() -> None:
    items = [other("ketone", 0.8, EIGHT), says("vomiting", t("08:05"))]
    on_tablets = Resident(groups=frozenset({"sglt2i"}))
    (raised,) = look(t("08:06"), *items, resident=on_tablets).findings
    assert raised.because == ("sglt2i", "vomiting")
    assert raised.inputs == (items[0].key, items[1].key)


# Very high glucose, where the doctor has switched the milder way on.
MILD = Resident(
    groups=frozenset({"diabetes", "type2"}), options=frozenset({"glucose_high_downgrade"})
)


def very_high(*beside: Measurement | Symptoms, resident: Resident = MILD) -> Told:
    items = [sugar(18.0, EIGHT), sugar(17.5, t("08:05"))]
    return told(*items, *beside, resident=resident, after=minutes(1))


def test_very_high_glucose_without_ketones_is_for_today_where_the_doctor_says_so() -> None:
    ketone = other("ketone", 0.5, t("07:30"))
    assert very_high(ketone) == [("GL-05", "today")]
    assert very_high(other("ketone", 0.6, t("07:30"))) == [
        ("GL-15", "today"),
        ("GL-05", "page_now"),
    ]
    assert very_high() == [("GL-05", "page_now")], "nobody measured ketones"
    assert very_high(other("ketone", 0.5, t("03:59"))) == [("GL-05", "page_now")], "too long ago"
    assert very_high(ketone, says("vomiting", t("08:01"))) == [("GL-05", "page_now")]
    assert very_high(ketone, says("none", t("08:01"))) == [("GL-05", "today")]


@pytest.mark.parametrize(
    "resident",
    [
        ANYBODY,
        Resident(groups=MILD.groups),
        Resident(groups=frozenset({"diabetes"}), options=MILD.options),
        Resident(groups=MILD.groups | {"insulin"}, options=MILD.options),
        Resident(groups=MILD.groups | {"sglt2i"}, options=MILD.options),
    ],
)
def test_very_high_glucose_pages_for_anybody_else(resident: Resident) -> None:
    assert very_high(other("ketone", 0.3, t("07:30")), resident=resident) == [("GL-05", "page_now")]


def test_what_was_milder_pages_once_ketones_have_risen() -> None:
    items = [sugar(18.0, EIGHT), sugar(17.5, t("08:05")), other("ketone", 0.5, t("08:10"))]
    before = look(t("08:11"), *items, resident=MILD).findings
    after = look(t("09:01"), *items, other("ketone", 0.7, t("09:00")), resident=MILD).findings
    assert [(f.severity, f.confirmed) for f in before] == [("today", "downgraded")]
    assert before[0].because == ("glucose_high_downgrade",)
    assert ("page_now", "confirmed") in [(f.severity, f.confirmed) for f in after]
