"""The shipped rule set: its numbers are the signed ones, and what it says can be explained.

Source of the numbers: the clinical rule table; blood pressure in mmHg and kPa, glucose in mmol/L
and mg/dL.
"""

from datetime import timedelta

import pytest

from yikao_alerts.history import LOOK_BACK
from yikao_alerts.limits import Limit
from yikao_alerts.rules import load_rules
from yikao_alerts.rules.forms import (
    Change,
    ClockError,
    DeviceChange,
    Drop,
    Gain,
    Mean,
    OnReading,
    OtherPerson,
    Share,
    Silence,
    Spread,
    Targets,
    Times,
    UnitDoubt,
)
from yikao_alerts.rules.model import PAGING, SEVERITIES, Rule, Who
from yikao_alerts.rules.vocabulary import EVIDENCE, FAMILIES, FLAGS
from yikao_devices.symptoms import NONE, SYMPTOMS

RULES = load_rules("cn")
ABROAD = load_rules("international")
HOUR = timedelta(hours=1)

Number = tuple[str, str, float, float]
"""Field, comparison, and the number in the first and the second unit of its kind."""
SEVERE: list[Number] = [("systolic", "ge", 180, 24.0), ("diastolic", "ge", 110, 14.7)]
HOME: list[Number] = [("systolic", "ge", 135, 18.0), ("diastolic", "ge", 85, 11.3)]
EXTREME_PULSE: list[Number] = [("pulse", "ge", 131, 131), ("pulse", "le", 40, 40)]
BP, GLUCOSE = "blood_pressure", "glucose"
NUMBERS: dict[tuple[str, str], tuple[str, list[Number]]] = {
    ("BP-01", BP): ("page_now", SEVERE),
    ("BP-02", "any"): ("page_now", []),
    ("HELP-01", "any"): ("page_now", []),
    ("BP-03", BP): ("page_now", SEVERE),
    ("BP-04", BP): ("page_now", [("systolic", "ge", 200, 26.7), ("diastolic", "ge", 120, 16.0)]),
    ("BP-05", BP): ("today", [("systolic", "ge", 160, 21.3), ("diastolic", "ge", 100, 13.3)]),
    ("BP-06", BP): ("this_week", HOME),
    ("BP-07", BP): ("today", [("systolic", "ge", 150, 20.0), ("diastolic", "ge", 95, 12.7)]),
    ("BP-08", BP): ("info", []),
    ("BP-09", BP): ("this_week", []),
    ("BP-10", BP): ("this_week", []),
    ("BP-11", BP): ("page_now", [("systolic", "lt", 90, 12.0), ("diastolic", "lt", 50, 6.7)]),
    ("BP-12", BP): ("today", [("systolic", "lt", 90, 12.0)]),
    ("BP-13", BP): ("this_week", [("systolic", "lt", 110, 14.7)]),
    ("BP-13b", BP): ("this_week", [("systolic", "lt", 100, 13.3)]),
    ("BP-14", BP): ("this_week", [("systolic", "le", -20, -2.7), ("diastolic", "le", -10, -1.3)]),
    ("BP-15", BP): ("info", [("pulse_pressure", "ge", 60, 8.0)]),
    ("BP-16", BP): ("technical", [("pulse_pressure", "lt", 20, 2.7)]),
    ("BP-17", BP): ("this_week", HOME),
    ("BP-18", BP): ("info", [("systolic", "gt", 12, 1.6)]),
    ("BP-19", BP): ("page_now", [("systolic", "ge", 160, 21.3), ("diastolic", "ge", 110, 14.7)]),
    ("BP-20", BP): ("today", [("systolic", "ge", 140, 18.7), ("diastolic", "ge", 90, 12.0)]),
    ("BP-21", BP): ("page_now", [("systolic", "ge", 140, 18.7)]),
    ("PR-01", BP): ("page_now", EXTREME_PULSE),
    ("PR-01", "spo2"): ("page_now", EXTREME_PULSE),
    ("PR-02", BP): ("today", [("pulse", "gt", 110, 110), ("pulse", "gt", 40, 40)]),
    ("PR-03", BP): ("today", [("pulse", "gt", 100, 100)]),
    ("PR-04", BP): ("this_week", []),
    ("GL-01", GLUCOSE): ("page_now", [("glucose", "lt", 3.0, 54)]),
    ("GL-02", GLUCOSE): ("page_now", [("glucose", "lt", 3.0, 54)]),
    ("GL-03", GLUCOSE): ("today", [("glucose", "le", 3.9, 70)]),
    ("GL-04", GLUCOSE): ("this_week", [("glucose", "le", 3.9, 70)]),
    ("GL-05", GLUCOSE): ("page_now", [("glucose", "ge", 16.7, 300)]),
    ("GL-06", GLUCOSE): ("page_now", [("glucose", "ge", 33.3, 600)]),
    ("GL-07", GLUCOSE): ("today", [("glucose", "ge", 13.9, 250)]),
    ("GL-08", "ketone"): ("page_now", [("ketone", "ge", 1.6, 1.6)]),
    ("GL-09", GLUCOSE): ("this_week", [("glucose", "gt", 7.0, 126)]),
    ("GL-10", GLUCOSE): ("this_week", [("glucose", "ge", 10.0, 180)]),
    ("GL-11", GLUCOSE): ("info", []),
    ("GL-12", GLUCOSE): (
        "today",
        [("glucose", "ge", 5.3, 95), ("glucose", "ge", 7.8, 140), ("glucose", "ge", 6.7, 120)],
    ),
    ("GL-12b", GLUCOSE): ("today", [("glucose", "ge", 11.1, 200)]),
    ("GL-13", GLUCOSE): ("this_week", []),
    ("GL-14", "cgm"): ("info", []),
    ("GL-14b", "cgm"): ("info", []),
    ("GL-15", "ketone"): ("today", [("ketone", "ge", 0.6, 0.6)]),
    ("WT-01", "weight"): ("today", []),
    ("SP-01", "spo2"): ("page_now", [("spo2", "le", 91, 91)]),
    ("SP-01b", "spo2"): ("today", [("spo2", "gt", 91, 91)]),
    ("TP-01", "temperature"): (
        "today",
        [("temperature", "gt", 39.0, 39.0), ("temperature", "le", 35.0, 35.0)],
    ),
    ("DQ-01", BP): (
        "technical",
        [
            ("systolic", "lt", 60, 8.0),
            ("systolic", "gt", 280, 37.3),
            ("diastolic", "lt", 30, 4.0),
            ("diastolic", "gt", 180, 24.0),
            ("pulse", "lt", 25, 25),
            ("pulse", "gt", 230, 230),
        ],
    ),
    ("DQ-01", GLUCOSE): ("technical", [("glucose", "lt", 0.6, 11), ("glucose", "gt", 33.3, 600)]),
    ("DQ-02", GLUCOSE): ("technical", []),
    ("DQ-02", BP): ("technical", []),
    ("DQ-03", "any"): ("technical", []),
    ("DQ-04", "any"): ("technical", []),
    ("DQ-05", BP): ("technical", []),
    ("DQ-06", "any"): ("this_week", []),
    ("DQ-07", "any"): ("info", []),
}
OURS = {("DQ-01", kind) for kind in ("heart_rate", "ketone", "spo2", "temperature", "weight")}
"""Bounds of plausibility that the table does not have."""
RED_FLAGS = {
    "altered_consciousness",
    "severe_headache_or_dizziness",
    "vomiting",
    "blurred_vision",
    "eye_pain",
    "palpitations",
    "chest_pain_or_tightness",
    "breathless_cannot_lie_flat",
    "weakness_numbness",
    "speech_difficulty",
    "back_pain",
    "seizure",
}
HARD = {"chest_pain", "fast_positive", "unconscious", "seizure", "breathless_cannot_lie_flat"}


def numbers(limit: Limit) -> Number:
    first, *second = limit.values.values()
    return limit.field, limit.op, first, *(second or [first])


def by_id(rule_id: str) -> Rule:
    return RULES.rule(rule_id)


def form(rule_id: str) -> OnReading:
    found = by_id(rule_id).form
    assert isinstance(found, OnReading)
    return found


def limits_of(rule: Rule) -> list[Number]:
    held = (limit for limit in getattr(rule.form, "any", ()) if isinstance(limit, Limit))
    return [numbers(limit) for limit in held]


def test_the_shipped_numbers_are_the_signed_ones() -> None:
    shipped = {(r.id, r.kind): (r.severity, limits_of(r)) for r in RULES.rules}
    assert {key: shipped[key] for key in shipped.keys() - OURS} == NUMBERS
    assert len({rule_id.rstrip("b") for rule_id, _ in shipped}) == 51


def test_bands_end_where_the_next_rule_begins() -> None:
    ends = {
        rule_id: [limit.below for limit in form(rule_id).any]
        for rule_id in ("BP-05", "PR-02", "GL-15", "SP-01b")
    }
    assert ends == {
        "BP-05": [{"mmHg": 180, "kPa": 24.0}, {"mmHg": 110, "kPa": 14.7}],
        "PR-02": [{"bpm": 131}, {"bpm": 51}],
        "GL-15": [{"mmol/L": 1.6}],
        "SP-01b": [{"%": 94}],
    }


def test_symptoms_flags_and_contexts() -> None:
    assert form("BP-01").with_symptoms >= RED_FLAGS
    assert form("BP-02") == OnReading(alone_symptoms=frozenset(HARD))
    assert form("BP-11").with_symptoms >= {"syncope", "near_syncope", "cold_sweat", "chest_pain"}
    assert form("BP-21").with_symptoms >= {"headache", "blurred_vision", "epigastric_pain"}
    assert form("GL-01").alone_symptoms == {"hypo_needs_help", "unconscious", "seizure"}
    assert "confusion" in form("GL-01").with_symptoms
    assert (form("GL-02").flags, form("GL-06").flags) == ({"lo"}, {"hi"})
    assert form("PR-04").flags == {"irregular_pulse"}
    assert [limit.contexts for limit in form("GL-12").any] == [
        {"fasting"},
        {"after_meal_1h", "after_meal"},
        {"after_meal_2h"},
    ]
    for rule in RULES.rules:
        if isinstance(rule.form, OnReading) and rule.quarantine:
            assert rule.form.unless_flags == ({"hi", "lo"} if "mmol" in str(rule) else set())
            assert (rule.form.order == ("diastolic", "systolic")) is (rule.kind == BP)


def test_how_often() -> None:
    assert form("BP-05").times == (Times(2, "sessions", 48 * HOUR),)
    assert form("BP-13b").times == (Times(2, "sessions", 7 * 24 * HOUR),)
    assert form("PR-02").times == (Times(2, "sessions", 48 * HOUR),)
    assert form("PR-03").times == (Times(2, "sessions", 24 * HOUR),)
    assert form("PR-04").times == (Times(2, "in_session"), Times(3, "sessions", 7 * 24 * HOUR))
    assert form("GL-04").times == (Times(2, "readings", 7 * 24 * HOUR, 2 * HOUR),)
    assert form("GL-07").times == (Times(2, "readings", 24 * HOUR, 4 * HOUR),)
    reach = [t.within for r in RULES.rules for t in getattr(r.form, "times", ()) if t.within]
    assert max(reach) < LOOK_BACK


def test_the_other_forms() -> None:
    low = Limit("systolic", "lt", {"mmHg": 120.0, "kPa": 16.0})
    assert by_id("BP-09").form == Change("systolic", "up", 5, "mmHg")
    assert by_id("BP-10").form == Change("systolic", "down", -8, "mmHg", low)
    assert by_id("GL-13").form == Change("glucose", "up", 15, "%")
    assert by_id("WT-01").form == Gain(2.0, timedelta(days=3))
    assert by_id("DQ-05").form == OtherPerson(16.3)
    assert by_id("DQ-06").form == Silence(3, 7)
    assert by_id("DQ-07").form == DeviceChange(timedelta(days=14))
    assert by_id("BP-08").form == by_id("GL-11").form == Targets()
    assert by_id("DQ-04").form == ClockError(
        "clock_error", timedelta(minutes=2), timedelta(minutes=5), 2020
    )
    drop, spread = by_id("BP-14").form, by_id("BP-18").form
    assert isinstance(drop, Drop) and drop.within == timedelta(minutes=3)
    assert isinstance(spread, Spread)
    assert (spread.days, spread.min_days, spread.min_span) == (28, 10, 14)


def test_the_means() -> None:
    for rule_id in ("BP-06", "BP-07", "BP-13", "BP-15", "BP-17"):
        mean = by_id(rule_id).form
        assert isinstance(mean, Mean)
        assert (mean.days, mean.min_readings, mean.min_days, mean.drop_first) == (7, 12, 3, True)
    morning = by_id("BP-17").form
    assert isinstance(morning, Mean)
    assert (morning.part, morning.and_part, morning.min_mornings) == ("morning", "evening", 5)
    assert [numbers(limit) for limit in morning.and_all] == [
        ("systolic", "lt", 135, 18.0),
        ("diastolic", "lt", 85, 11.3),
    ]
    fasting, later = by_id("GL-09").form, by_id("GL-10").form
    assert isinstance(fasting, Mean) and isinstance(later, Mean)
    assert (fasting.days, fasting.min_readings, fasting.min_days) == (14, 3, 3)
    assert (fasting.contexts, later.min_readings) == ({"fasting"}, 3)
    assert later.contexts == {"after_meal", "after_meal_2h", "casual"}


def test_the_sensor_summary() -> None:
    young, old = by_id("GL-14").form, by_id("GL-14b").form
    assert isinstance(young, Share) and isinstance(old, Share)
    assert (young.days, young.wear_pct, young.cv_above_pct) == (14, 70, 36)
    assert [(part.op, part.pct) for part in young.any] == [("lt", 70), ("ge", 4), ("ge", 1)]
    assert [(part.op, part.pct) for part in old.any] == [("lt", 50), ("ge", 1)]
    below = [numbers(limit) for limit in young.any[1].all]
    assert below == [("glucose", "lt", 3.9, 70)]


def test_the_doubtful_units() -> None:
    doubts = [
        (doubt.field, doubt.unit, doubt.other, doubt.low, doubt.high, doubt.habit)
        for rule in RULES.rules
        if isinstance(rule.form, UnitDoubt)
        for doubt in rule.form.any
    ]
    assert sorted(doubts, key=str) == [
        ("glucose", "mmol/L", "mg/dL", 20, 33.3, "mg/dL"),
        ("glucose", "mmol/L", "mg/dL", 34, 600, None),
        ("systolic", "", "kPa", 5, 40, None),
    ]


def test_whom_rules_are_for() -> None:
    pregnant, over_65 = (
        Who(frozenset({"pregnant"})),
        Who(frozenset({"on_treatment"}), age_at_least=65),
    )
    assert {by_id(i).who == pregnant for i in ("BP-19", "BP-20", "BP-21", "GL-12")} == {True}
    assert by_id("BP-13").who == by_id("BP-13b").who == over_65
    assert by_id("PR-03").who == Who(frozenset({"diabetes"}))
    assert by_id("PR-04").who == Who(groups_none=frozenset({"known_af"}))
    assert by_id("WT-01").who == Who(frozenset({"heart_failure"}))
    assert {r.id for r in RULES.rules if r.obstetric} == {
        "BP-19",
        "BP-20",
        "BP-21",
        "GL-12",
        "GL-12b",
    }


def test_what_makes_it_worse_or_better() -> None:
    raised = {
        (rule.id, up.severity, up.recheck, up.minutes)
        for rule in RULES.rules
        for up in rule.upgrades
    }
    assert raised == {
        ("BP-14", "today", None, None),
        ("BP-16", "today", None, None),
        ("PR-04", "today", None, None),
        ("PR-04", "page_now", None, None),
        ("GL-03", "page_now", "low_twice", None),
        ("GL-03", "page_now", "no_recheck", 20),
        ("GL-04", "today", None, None),
        ("GL-15", "page_now", "rising", 240),
        ("GL-15", "page_now", None, None),
        ("WT-01", "page_now", None, None),
        ("DQ-06", "page_now", "crisis_silent", 30),
    }
    alone = by_id("GL-03").upgrades[1].who
    assert alone == Who(
        groups_any=frozenset({"insulin", "sulfonylurea", "lives_alone"}), or_age_at_least=80
    )
    (lowered,) = by_id("GL-05").downgrades
    assert lowered.severity == "today" and lowered.no_symptom
    assert lowered.who.groups_none == {"insulin", "sglt2i"}
    assert lowered.who.options_all == {"glucose_high_downgrade"}
    assert [numbers(limit) for limit in lowered.limits] == [("ketone", "lt", 0.6, 0.6)]


def test_what_is_told_every_time() -> None:
    assert RULES.suppress.never == {
        *("BP-01", "BP-02", "BP-03", "BP-04", "BP-19", "BP-21"),
        *("GL-01", "GL-02", "GL-06", "GL-08", "HELP-01"),
    }
    assert RULES.late.never == {"HELP-01"}, "a call for help that comes late is still for now"
    assert RULES.suppress.refractory == RULES.suppress.mute_max == timedelta(days=14)
    assert RULES.suppress.never_mutes == {"page_now"}


def test_the_ages_of_late_data() -> None:
    late = RULES.late
    assert late.late_after == timedelta(minutes=15)
    assert (late.call_after, late.information_after) == (2 * HOUR, 24 * HOUR)


def test_every_rule_can_be_explained() -> None:
    assert load_rules() is RULES
    assert (RULES.profile, bool(RULES.version)) == ("CN_PRIMARY_CARE", True)
    for rule in RULES.rules:
        assert rule.source
        assert rule.evidence in EVIDENCE
        assert rule.severity in SEVERITIES
        assert rule.name("zh") != rule.name("en")
        assert rule.family is None or rule.family in FAMILIES
        if rule.severity in PAGING or rule.upgrades:
            assert rule.family
            assert rule.normal or rule.ends or rule.human_only
        if rule.family and rule.severity != "info":
            assert rule.patient_zh and rule.patient_en
        assert rule.lane == {"Targets": "config"}.get(type(rule.form).__name__, rule.lane)
    assert {r.id for r in RULES.rules if r.lane == "daily" and r.severity in PAGING} == {"BP-07"}
    assert by_id("BP-03").limits_text("en") == (
        "systolic ≥ 180 mmHg (24 kPa) or diastolic ≥ 110 mmHg (14.7 kPa)"
    )


def test_the_worst_comes_first_and_levels_of_a_family_differ() -> None:
    ranks = [(SEVERITIES.index(rule.severity), rule.level) for rule in RULES.rules]
    assert ranks == sorted(ranks, reverse=True)
    for family in FAMILIES:
        levels = {(rule.id, rule.level) for rule in RULES.rules if rule.family == family}
        assert len(levels) == len({level for _, level in levels}) > 0


def test_symptoms_of_the_rules_can_be_reported_and_none_is_no_symptom() -> None:
    for rule in RULES.rules:
        if isinstance(rule.form, OnReading):
            assert rule.form.with_symptoms | rule.form.alone_symptoms <= SYMPTOMS - {NONE}
    assert {"hi", "lo", "clock_error", "irregular_pulse"} <= set(FLAGS)
    assert not {"too_high", "too_low"} & set(FLAGS)


def test_abroad_the_boundary_itself_is_no_low_and_nothing_else_differs() -> None:
    assert ABROAD.profile == "ADA_ESH"
    differ = {rule.id for rule in ABROAD.rules if rule not in RULES.rules}
    assert differ == {"GL-03", "GL-04", "GL-11"}
    for rule_id in ("GL-03", "GL-04"):
        assert limits_of(ABROAD.rule(rule_id)) == [("glucose", "lt", 3.9, 70)]
    names = {"OLD_GOOD", "OLD_INTERMEDIATE", "OLD_POOR"}
    names |= {name.replace("OLD_", "OLD_HYPO_DRUG_") for name in names}
    assert {t.name for t in ABROAD.templates if t not in RULES.templates} == names
    assert ABROAD.digest != RULES.digest


@pytest.mark.parametrize("rules", [RULES, ABROAD], ids=["cn", "international"])
def test_every_escalation_names_a_chain(rules: object) -> None:
    chains = {"page_now": "chain_crisis", "today": "chain_today", "this_week": "chain_week"}
    assert isinstance(rules, type(RULES))
    for rule in rules.rules:
        assert chains.get(rule.severity, rule.addressee) == rule.addressee
