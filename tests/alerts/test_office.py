"""What is measured at a station is kept apart from home, unless somebody is in danger."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from reading_parts import RULES, bp, look, minutes, says, sugar, t
from test_evaluate_properties import items_of_a_resident, moments, residents

from yikao_alerts.contexts import OFFICE
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.findings import Finding, Refusal
from yikao_alerts.from_wire import measurement_of
from yikao_alerts.history import GLUCOSE, Measurement, Symptoms, key_of
from yikao_alerts.resident import Resident
from yikao_devices import wire

EIGHT = t("08:00")
CRISES = frozenset(rule.id for rule in RULES.rules if rule.is_crisis)
RECHECKED = frozenset(rule.id for rule in RULES.rules if rule.recheck is not None)


def office(systolic: float, diastolic: float, at: datetime, **more: object) -> Measurement:
    """Return a reading of a station."""
    return bp(systolic, diastolic, at, context=OFFICE, device="station", **more)  # type: ignore[arg-type]


def office_sugar(mmol_l: float, at: datetime) -> Measurement:
    key = key_of(GLUCOSE, "station", at)
    return replace(sugar(mmol_l, at, context=OFFICE), key=key, device="station")


def counted(said: Evaluation) -> list[Finding | Refusal]:
    """Return what is said by all rules but those that call somebody for a single reading."""
    return [
        each for each in (*said.findings, *said.refusals) if each.rule_id not in CRISES | RECHECKED
    ]


station_readings = st.lists(
    st.builds(
        lambda high, low, s, pulse: office(high, low, EIGHT + timedelta(seconds=s), pulse=pulse),
        st.integers(70, 230),
        st.integers(40, 130),
        st.integers(-7 * 86_400, 3600),
        st.sampled_from([38, 60, 80, 120, 140]),
    )
    | st.builds(
        lambda mmol, s: office_sugar(mmol, EIGHT + timedelta(seconds=s)),
        st.floats(2, 25),
        st.integers(-7 * 86_400, 3600),
    ),
    max_size=6,
    unique_by=lambda m: m.key,
)


@given(items_of_a_resident, station_readings, residents, moments)
def test_readings_at_a_station_change_nothing_that_is_counted_at_home(
    items: list[Measurement | Symptoms],
    at_station: list[Measurement],
    who: Resident,
    now: datetime,
) -> None:
    alone = look(now, *items, resident=who)
    assert counted(look(now, *items, *at_station, resident=who)) == counted(alone)


def test_the_white_coat_is_no_reason_for_the_worklist() -> None:
    """Two sittings of 165 at home are BP-05; at the practice that is what many have there."""
    days = [t("08:00", 1), t("08:00", 2)]
    at_home = [bp(165, 95, day + minutes(m)) for day in days for m in (0, 2)]
    there = [office(165, 95, day + minutes(m)) for day in days for m in (0, 2)]
    assert {f.rule_id for f in look(t("09:00", 2), *at_home).findings} >= {"BP-05"}
    assert look(t("09:00", 2), *there).quiet


def test_a_very_high_pressure_at_a_station_calls_the_doctor() -> None:
    first, second = office(188, 112, EIGHT), office(186, 111, EIGHT + minutes(2))
    assert [r.rule_id for r in look(EIGHT + minutes(1), first).refusals] == ["BP-03"]
    (found,) = look(EIGHT + minutes(3), first, second).findings
    assert (found.rule_id, found.severity, found.confirmed) == ("BP-03", "page_now", "confirmed")


def test_a_repeat_at_home_answers_a_crisis_at_a_station() -> None:
    calm = bp(138, 82, EIGHT + minutes(6))
    third = bp(136, 80, EIGHT + minutes(8))
    assert look(EIGHT + minutes(20), office(188, 112, EIGHT), calm, third).findings == ()


def test_a_symptom_with_a_very_high_pressure_at_a_station_is_an_emergency() -> None:
    found = look(EIGHT + minutes(1), office(182, 100, EIGHT), says("chest_pain", EIGHT)).findings
    assert {f.severity for f in found} == {"page_now"}


def test_a_station_asks_nobody_about_clocks_devices_or_other_people() -> None:
    late = office(150, 90, EIGHT, flags=("clock_error",), received=EIGHT + timedelta(hours=5))
    assert look(EIGHT + timedelta(hours=6), late).quiet


def test_the_wire_says_where_it_was() -> None:
    item = wire.BloodPressureReading(
        reading_id=uuid4(),
        device="station",
        measured_at=EIGHT,
        doubt_s=1.0,
        clocks=wire.Clocks(EIGHT),
        systolic_mmhg=150.0,
        diastolic_mmhg=90.0,
        unit="mmHg",
        place="office",
    )
    assert not measurement_of(item, EIGHT).at_home
