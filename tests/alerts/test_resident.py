"""Who a resident is to the rules: age, groups, and what is not known."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.limits import TARGET_UNITS, target_values
from yikao_alerts.resident import GROUPS, OPTIONS, TARGETS, Resident
from yikao_alerts.rules.model import EVERYBODY, Who

DAY = date(2026, 3, 2)
AGES = st.none() | st.integers(1880, 2030)
SOME = st.frozensets(st.sampled_from(["insulin", "frail", "copd"]))


@pytest.mark.parametrize(
    ("born", "age"), [(1946, 80), (2026, 0), (1896, 130), (1895, None), (2027, None), (None, None)]
)
def test_the_age_reached_in_the_year(born: int | None, age: int | None) -> None:
    assert Resident(born).age_at(DAY) == age


def test_nothing_known_is_a_resident_too() -> None:
    nobody = Resident()
    assert EVERYBODY.met_by(nobody, DAY)
    assert Who(age_below=65).met_by(nobody, DAY)
    assert not Who(age_at_least=65).met_by(nobody, DAY)
    assert not Who(groups_any=frozenset({"frail"}), or_age_at_least=80).met_by(nobody, DAY)
    assert not nobody.targets


@pytest.mark.parametrize(
    ("who", "resident", "met"),
    [
        (Who(frozenset({"copd"})), Resident(groups=frozenset({"copd", "frail"})), True),
        (Who(frozenset({"copd", "frail"})), Resident(groups=frozenset({"copd"})), False),
        (Who(groups_none=frozenset({"known_af"})), Resident(groups=frozenset({"known_af"})), False),
        (
            Who(groups_any=frozenset({"insulin", "frail"})),
            Resident(groups=frozenset({"frail"})),
            True,
        ),
        (Who(groups_any=frozenset({"insulin"})), Resident(1930), False),
        (Who(groups_any=frozenset({"insulin"}), or_age_at_least=80), Resident(1946), True),
        (Who(groups_any=frozenset({"insulin"}), or_age_at_least=80), Resident(1947), False),
        (Who(or_age_at_least=65), Resident(1961), True),
        (Who(options_all=frozenset({"health_good"})), Resident(), False),
        (
            Who(options_all=frozenset({"health_good"})),
            Resident(options=frozenset({"health_good"})),
            True,
        ),
        (Who(age_at_least=65, age_below=80), Resident(1946), False),
        (Who(age_at_least=65, age_below=80), Resident(1947), True),
    ],
)
def test_whom_a_rule_is_for(who: Who, resident: Resident, met: bool) -> None:
    assert who.met_by(resident, DAY) is met


@given(AGES, SOME, st.integers(1, 129))
def test_below_an_age_or_from_it_there_is_no_third(
    born: int | None, groups: frozenset[str], age: int
) -> None:
    resident = Resident(born, groups=groups)
    below, above = Who(age_below=age), Who(age_at_least=age)
    assert below.met_by(resident, DAY) is not above.met_by(resident, DAY)


def test_equal_residents_have_one_hash_and_can_be_remembered() -> None:
    one = Resident(1946, "f", frozenset({"copd"}), {"spo2_min_pct": 88.0, "pulse_min_bpm": 35.0})
    other = Resident(1946, "f", frozenset({"copd"}), {"pulse_min_bpm": 35.0, "spo2_min_pct": 88.0})
    assert one == other
    assert len({one, other, Resident()}) == 2


def test_every_word_is_there_in_both_languages_and_every_target_has_a_unit() -> None:
    for words in (GROUPS, TARGETS, OPTIONS):
        assert all(word.zh and word.en for word in words.values())
    for target in TARGETS:
        assert sum(target.endswith(f"_{ending}") for ending in TARGET_UNITS) == 1
        assert target_values(target, 100)


@pytest.mark.parametrize(
    ("target", "value", "units"),
    [
        ("target_systolic_mmhg", 135, {"mmHg": 135, "kPa": 18.0}),
        ("target_diastolic_mmhg", 85, {"mmHg": 85, "kPa": 11.3}),
        ("target_fasting_mmol_l", 7.0, {"mmol/L": 7.0, "mg/dL": 126}),
        ("target_after_meal_mmol_l", 10.0, {"mmol/L": 10.0, "mg/dL": 180}),
        ("spo2_min_pct", 87, {"%": 87}),
        ("pulse_min_bpm", 35, {"bpm": 35}),
        ("dry_weight_kg", 61.5, {"kg": 61.5}),
    ],
)
def test_an_own_target_is_said_in_each_unit_as_its_device_shows_it(
    target: str, value: float, units: dict[str, float]
) -> None:
    assert target_values(target, value) == units
