"""Rules that count: sittings by their mean, readings hours apart, flags of a week."""

from datetime import datetime, timedelta

import pytest
from reading_parts import ANYBODY, RULES, bp, found, history, look, minutes, says, sugar, t

from yikao_alerts.evaluate import evaluate
from yikao_alerts.findings import Why
from yikao_alerts.history import Measurement
from yikao_alerts.resident import Resident

IHB = ("irregular_pulse",)
DIABETES = Resident(groups=frozenset({"diabetes"}))
OLD_TREATED = Resident(birth_year=1950, groups=frozenset({"on_treatment"}))
PREGNANT = Resident(groups=frozenset({"pregnant"}))
NOBODY = Resident()
END = t("23:00", 9)
"""Long after all of it, so that nothing is awaited any more."""


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def rules_of(
    *items: Measurement, resident: Resident = NOBODY, now: datetime = END
) -> list[tuple[str, str]]:
    return [(rule, severity) for rule, severity, _ in found(now, *items, resident=resident)]


def pair(high: float, low: float, at: datetime, pulse: float = 80, unit: str = "mmHg") -> list:
    """Return a sitting of two readings, a minute apart."""
    first = bp(high, low, at, pulse=pulse, unit=unit)
    return [first, bp(high, low, at + minutes(1), pulse=pulse, unit=unit)]


ONE, TWO = t("08:00"), t("20:00")


@pytest.mark.parametrize(
    ("high", "low", "unit", "met"),
    [
        (159, 99, "mmHg", False),
        (160, 80, "mmHg", True),
        (179, 80, "mmHg", True),
        (150, 100, "mmHg", True),
        (150, 109, "mmHg", True),
        (21.2, 13.2, "kPa", False),
        (21.3, 10.0, "kPa", True),
        (20.0, 13.3, "kPa", True),
    ],
)
def test_grade_2_in_two_sittings(high: float, low: float, unit: str, met: bool) -> None:
    items = [*pair(high, low, ONE, unit=unit), *pair(high, low, TWO, unit=unit)]
    assert rules_of(*items) == ([("BP-05", "today")] if met else [])
    assert rules_of(*items[:2]) == [], "one sitting is not enough"


def test_two_readings_of_one_sitting_are_one_sitting() -> None:
    items = [bp(165, 90, ONE), bp(165, 90, ONE + minutes(30))]
    assert rules_of(*items) == []
    assert rules_of(items[0], bp(165, 90, ONE + minutes(30.1))) == [("BP-05", "today")]


@pytest.mark.parametrize(("apart", "met"), [(hours(48), True), (hours(48.1), False)])
def test_sittings_two_days_apart(apart: timedelta, met: bool) -> None:
    items = [*pair(165, 90, ONE), *pair(165, 90, ONE + apart)]
    assert bool(rules_of(*items)) is met


def test_the_mean_of_a_sitting_counts_not_its_readings() -> None:
    mild = [bp(165, 90, ONE), bp(154, 90, ONE + minutes(1))]
    assert rules_of(*mild, *pair(165, 90, TWO)) == []
    met = [bp(165, 90, ONE), bp(155, 90, ONE + minutes(1))]
    assert rules_of(*met, *pair(165, 90, TWO)) == [("BP-05", "today")]


@pytest.mark.parametrize("context", ["standing", "office"])
def test_what_was_not_measured_at_rest_at_home_is_no_part_of_a_sitting(context: str) -> None:
    elsewhere = bp(165, 90, ONE, context=context)
    assert rules_of(elsewhere, *pair(165, 90, TWO)) == []


def test_a_reading_in_another_unit_is_a_sitting_of_its_own() -> None:
    mixed = [bp(170, 90, ONE), bp(21.9, 12.0, ONE + minutes(1), unit="kPa")]
    assert [rule for rule, _ in rules_of(*mixed)] == ["BP-05"]


def test_a_count_names_the_sittings_it_rests_on_and_the_last_is_the_trigger() -> None:
    items = [*pair(165, 90, ONE), *pair(168, 90, TWO)]
    (finding,) = look(END, *items).findings
    assert finding.inputs == (items[2].key, items[3].key, items[0].key)
    assert finding.statistic["systolic"] == 168.0


@pytest.mark.parametrize(
    ("pulse", "resident", "met"),
    [
        (110, NOBODY, []),
        (111, NOBODY, ["PR-02"]),
        (130, NOBODY, ["PR-02"]),
        (51, NOBODY, []),
        (50, NOBODY, ["PR-02"]),
        (41, NOBODY, ["PR-02"]),
        (100, DIABETES, []),
        (101, DIABETES, ["PR-03"]),
        (101, NOBODY, []),
        (111, DIABETES, ["PR-02", "PR-03"]),
    ],
)
def test_pulses_in_two_sittings(pulse: float, resident: Resident, met: list[str]) -> None:
    items = [*pair(125, 75, ONE, pulse), *pair(125, 75, TWO, pulse)]
    assert sorted(rule for rule, _ in rules_of(*items, resident=resident)) == met


def test_an_own_lower_limit_of_the_pulse_replaces_the_number() -> None:
    slow = Resident(targets={"pulse_min_bpm": 45})
    alone = bp(125, 75, ONE, pulse=45)
    assert [r for r, _ in rules_of(alone, resident=slow)] == ["PR-01"]
    assert rules_of(bp(125, 75, ONE, pulse=46), resident=slow) == []
    low = Resident(targets={"pulse_min_bpm": 35})
    assert rules_of(bp(125, 75, ONE, pulse=38), resident=low) == []


@pytest.mark.parametrize(("apart", "met"), [(hours(24), True), (hours(24.1), False)])
def test_a_fast_pulse_with_diabetes_within_a_day(apart: timedelta, met: bool) -> None:
    items = [*pair(125, 75, ONE, 105), *pair(125, 75, ONE + apart, 105)]
    assert bool(rules_of(*items, resident=DIABETES)) is met


@pytest.mark.parametrize(
    ("high", "resident", "met"),
    [
        (99, OLD_TREATED, True),
        (100, OLD_TREATED, False),
        (99, Resident(birth_year=1950), False),
        (99, Resident(birth_year=1990, groups=frozenset({"on_treatment"})), False),
        (99, Resident(groups=frozenset({"on_treatment"})), False),
    ],
)
def test_perhaps_treated_too_much(high: float, resident: Resident, met: bool) -> None:
    items = [*pair(high, 60, ONE), *pair(high, 60, t("08:00", 6))]
    told = [("BP-13b", "this_week")] if met else []
    assert rules_of(*items, resident=resident) == told
    week = [*pair(high, 60, ONE), *pair(high, 60, t("08:01", 7))]
    assert rules_of(*week, resident=resident) == []


def test_two_flags_in_one_sitting() -> None:
    flagged, plain = bp(125, 75, ONE, flags=IHB), bp(125, 75, ONE + minutes(1))
    again = bp(125, 75, ONE + minutes(2), flags=IHB)
    assert rules_of(flagged, plain) == []
    assert rules_of(flagged, plain, again) == [("PR-04", "this_week")]
    known = Resident(groups=frozenset({"known_af"}))
    assert rules_of(flagged, plain, again, resident=known) == []


def test_flags_in_three_sittings_of_a_week() -> None:
    days = [bp(125, 75, t("08:00", day), flags=IHB) for day in (0, 3, 7)]
    assert rules_of(*days[:2]) == []
    assert rules_of(*days) == [("PR-04", "this_week")]
    assert rules_of(*days[:2], bp(125, 75, t("08:01", 7), flags=IHB)) == []


@pytest.mark.parametrize(
    ("pulse", "symptom", "severities"),
    [
        (110, "none", {"this_week"}),
        (111, "none", {"today"}),
        (80, "palpitations", {"today"}),
        (80, "chest_pain_or_tightness", {"page_now"}),
    ],
)
def test_an_irregular_pulse_is_more_urgent_with_other_signs(
    pulse: float, symptom: str, severities: set[str]
) -> None:
    items = [bp(125, 75, ONE + minutes(n), pulse=pulse, flags=IHB) for n in (0, 1)]
    said = look(ONE + minutes(3), *items, says(symptom, ONE + minutes(2)))
    told = {f.severity for f in said.findings if f.rule_id == "PR-04"}
    assert severities <= told
    assert max(told, key=["this_week", "today", "page_now"].index) in severities


LOW = ("GL-04", "this_week")


@pytest.mark.parametrize(
    ("value", "unit", "apart", "met"),
    [
        (3.9, "mmol/L", hours(2), True),
        (3.9, "mmol/L", hours(1.9), False),
        (3.9, "mmol/L", hours(168), True),
        (3.9, "mmol/L", hours(168.1), False),
        (4.0, "mmol/L", hours(2), False),
        (70, "mg/dL", hours(2), True),
        (71, "mg/dL", hours(2), False),
    ],
)
def test_lows_again_and_again(value: float, unit: str, apart: timedelta, met: bool) -> None:
    items = [sugar(value, ONE, unit=unit), sugar(value, ONE + apart, unit=unit)]
    assert (LOW in rules_of(*items)) is met


def test_a_meters_lo_is_a_low_too() -> None:
    items = [sugar(None, ONE, flags=("lo",)), sugar(3.5, TWO)]
    assert LOW in rules_of(*items)


def test_lows_again_in_somebody_old_on_insulin_are_for_today() -> None:
    old = Resident(birth_year=1950, groups=frozenset({"insulin"}))
    young = Resident(birth_year=1990, groups=frozenset({"insulin"}))
    items = [sugar(3.5, ONE), sugar(3.5, TWO)]
    assert ("GL-04", "today") in rules_of(*items, resident=old)
    assert ("GL-04", "today") not in rules_of(*items, resident=young)


@pytest.mark.parametrize(
    ("value", "unit", "apart", "met"),
    [
        (13.9, "mmol/L", hours(4), True),
        (13.9, "mmol/L", hours(3.9), False),
        (13.9, "mmol/L", hours(24), True),
        (13.9, "mmol/L", hours(24.1), False),
        (13.8, "mmol/L", hours(4), False),
        (250, "mg/dL", hours(4), True),
        (249, "mg/dL", hours(4), False),
    ],
)
def test_high_and_high_again(value: float, unit: str, apart: timedelta, met: bool) -> None:
    items = [sugar(value, ONE, unit=unit), sugar(value, ONE + apart, unit=unit)]
    assert rules_of(*items) == ([("GL-07", "today")] if met else [])


def test_between_two_highs_others_may_lie() -> None:
    items = [sugar(14.0, ONE + hours(n)) for n in (0, 2, 4)]
    assert rules_of(*items) == [("GL-07", "today")]


@pytest.mark.parametrize(
    ("value", "unit", "context", "met"),
    [
        (5.3, "mmol/L", "fasting", True),
        (5.2, "mmol/L", "fasting", False),
        (7.8, "mmol/L", "after_meal_1h", True),
        (7.7, "mmol/L", "after_meal_1h", False),
        (6.7, "mmol/L", "after_meal_2h", True),
        (6.6, "mmol/L", "after_meal_2h", False),
        (95, "mg/dL", "fasting", True),
        (94, "mg/dL", "fasting", False),
        (140, "mg/dL", "after_meal_1h", True),
        (120, "mg/dL", "after_meal_2h", True),
        (119, "mg/dL", "after_meal_2h", False),
        (8.5, "mmol/L", None, False),
        (8.5, "mmol/L", "unknown", False),
        (8.5, "mmol/L", "before_meal", False),
    ],
)
def test_glucose_in_pregnancy_on_two_occasions(
    value: float, unit: str, context: str | None, met: bool
) -> None:
    items = [
        sugar(value, ONE, unit=unit, context=context),
        sugar(value, t("08:00", 1), unit=unit, context=context),
    ]
    assert rules_of(*items, resident=PREGNANT) == ([("GL-12", "today")] if met else [])
    assert rules_of(*items) == []
    assert rules_of(items[0], resident=PREGNANT) == []


def test_so_high_in_pregnancy_that_no_second_occasion_is_waited_for() -> None:
    assert rules_of(sugar(11.1, ONE), resident=PREGNANT) == [("GL-12b", "today")]
    assert rules_of(sugar(11.0, ONE), resident=PREGNANT) == []


def test_a_sitting_that_would_complete_a_count_awaits_its_repeat() -> None:
    items = [*pair(165, 90, ONE), bp(165, 90, TWO)]
    waiting = look(TWO + minutes(1), *items)
    assert [(r.rule_id, r.why) for r in waiting.refusals] == [("BP-05", Why.AWAITING_REPEAT)]
    assert waiting.look_again_at is not None
    assert rules_of(*items, now=waiting.look_again_at) == [("BP-05", "today")]


def test_an_occasion_is_awaited_as_long_as_the_one_that_it_counts_with() -> None:
    """The older one came late: when its wait is over nobody else would have looked again."""
    older = bp(165, 75, t("15:00"), received=t("18:00:03"))
    newer = bp(165, 75, t("18:00"), received=t("18:00:01"))
    now = t("18:10:02")
    waiting = evaluate(history(older, newer), ANYBODY, RULES, now)
    assert "BP-05" not in {f.rule_id for f in waiting.findings}
    assert waiting.look_again_at == t("18:10:03")
    settled = evaluate(history(older, newer), ANYBODY, RULES, t("18:10:03"))
    assert "BP-05" in {f.rule_id for f in settled.findings}
