"""A reading is compared in the unit its device speaks: rounding never decides who is woken."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from alert_parts import RULES, bp, sugar, t
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.from_wire import measurement_of
from yikao_alerts.history import Measurement
from yikao_alerts.limits import LABELS, OPERATORS, SIGNS, Limit
from yikao_devices import wire
from yikao_devices.blood_pressure import BloodPressure, decode_blood_pressure, encode_blood_pressure
from yikao_devices.date_time import date_time_of
from yikao_devices.glucose import Glucose, decode_glucose, encode_glucose
from yikao_devices.items_blood_pressure import blood_pressure_item
from yikao_devices.items_glucose import glucose_item
from yikao_devices.readings import Origin

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ORIGIN = Origin("C0:FF:EE:00:00:09", None, NOON, 0.0)


WATCHED = {"BP-01", "BP-03", "BP-04", "DQ-01", "GL-01", "GL-02", "GL-03", "GL-05", "GL-06"}


def met(measurement: Measurement) -> set[str]:
    """Return the rules, of those that look at one reading, whose limits it alone meets."""
    return {rule.id for rule in RULES.rules if rule.met_by(measurement)} & WATCHED


@pytest.mark.parametrize(
    ("value", "unit", "rules"),
    [
        (3.9, "mmol/L", {"GL-03"}),  # inclusive in China
        (3.91, "mmol/L", set()),
        (3.0, "mmol/L", {"GL-03"}),
        (2.99, "mmol/L", {"GL-01", "GL-02", "GL-03"}),
        (16.7, "mmol/L", {"GL-05"}),
        (16.65, "mmol/L", set()),  # what 300 mg/dL would be, converted
        (33.3, "mmol/L", {"GL-05", "GL-06"}),
        (33.4, "mmol/L", {"GL-05", "GL-06", "DQ-01"}),
        (0.5, "mmol/L", {"GL-01", "GL-02", "GL-03", "DQ-01"}),
        (70, "mg/dL", {"GL-03"}),  # 3.885 mmol/L
        (71, "mg/dL", set()),
        (54, "mg/dL", {"GL-03"}),  # 2.997 mmol/L: below 3.0, were it converted
        (53, "mg/dL", {"GL-01", "GL-02", "GL-03"}),
        (300, "mg/dL", {"GL-05"}),  # 16.65 mmol/L
        (299, "mg/dL", set()),
        (599, "mg/dL", {"GL-05"}),
        (600, "mg/dL", {"GL-05", "GL-06"}),
        (601, "mg/dL", {"GL-05", "GL-06", "DQ-01"}),
    ],
)
def test_glucose_in_its_own_unit(value: float, unit: str, rules: set[str]) -> None:
    assert met(sugar(value, t("08:00"), unit=unit)) == rules


@pytest.mark.parametrize(
    ("systolic", "diastolic", "unit", "rules"),
    [
        (179, 109, "mmHg", set()),
        (180, 80, "mmHg", {"BP-01", "BP-03"}),
        (150, 110, "mmHg", {"BP-01", "BP-03"}),
        (199, 119, "mmHg", {"BP-01", "BP-03"}),
        (200, 100, "mmHg", {"BP-01", "BP-03", "BP-04"}),
        (160, 120, "mmHg", {"BP-01", "BP-03", "BP-04"}),
        (23.9, 14.6, "kPa", set()),
        (24.0, 10.0, "kPa", {"BP-01", "BP-03"}),  # 180.01 mmHg
        (20.0, 14.7, "kPa", {"BP-01", "BP-03"}),
        (26.6, 15.9, "kPa", {"BP-01", "BP-03"}),
        (26.7, 13.0, "kPa", {"BP-01", "BP-03", "BP-04"}),
        (20.0, 16.0, "kPa", {"BP-01", "BP-03", "BP-04"}),
        (59, 40, "mmHg", {"DQ-01"}),
        (281, 100, "mmHg", {"BP-01", "BP-03", "BP-04", "DQ-01"}),
        (100, 100, "mmHg", {"DQ-01"}),  # the lower pressure is not lower
        (7.9, 5.0, "kPa", {"DQ-01"}),
    ],
)
def test_pressure_in_its_own_unit(
    systolic: float, diastolic: float, unit: str, rules: set[str]
) -> None:
    assert met(bp(systolic, diastolic, t("08:00"), unit=unit)) == rules


@pytest.mark.parametrize(("pulse", "rules"), [(24, {"DQ-01"}), (25, set()), (230, set())])
def test_pulse_is_in_beats_whatever_the_pressures_unit(pulse: float, rules: set[str]) -> None:
    assert met(bp(16.0, 10.0, t("08:00"), unit="kPa", pulse=pulse)) == rules


def _meter(value: float, unit: str) -> Measurement:
    """Return what becomes of a meter's number on its whole way: frame, item, measurement."""
    frame = encode_glucose(Glucose(1, date_time_of(NOON), value=value, unit=unit))
    item = glucose_item(decode_glucose(frame), None, frame, ORIGIN)
    assert isinstance(item, wire.GlucoseReading)
    return measurement_of(wire.decode_item(wire.encode_item(item)), NOON)  # type: ignore[arg-type]


def test_every_number_a_meter_can_show_in_mg_dl_keeps_its_side_of_each_limit() -> None:
    for shown in range(20, 601):
        rules = met(_meter(shown / 100_000, "kg/L"))
        assert ("GL-02" in rules, "GL-03" in rules) == (shown < 54, shown <= 70), shown
        assert ("GL-05" in rules, "GL-06" in rules) == (shown >= 300, shown >= 600), shown


def test_every_number_a_meter_can_show_in_mmol_l_keeps_its_side_of_each_limit() -> None:
    for tenths in range(6, 334):
        rules = met(_meter(tenths / 10_000, "mol/L"))
        assert ("GL-02" in rules, "GL-03" in rules) == (tenths < 30, tenths <= 39), tenths
        assert ("GL-05" in rules, "GL-06" in rules) == (tenths >= 167, tenths >= 333), tenths


def test_every_pressure_a_cuff_can_show_in_kpa_keeps_its_side_of_each_limit() -> None:
    for tenths in range(80, 374):
        value = BloodPressure("kPa", tenths / 10, 5.0, 0.0, date_time_of(NOON))
        frame = encode_blood_pressure(value)
        item = blood_pressure_item(decode_blood_pressure(frame), frame, ORIGIN)
        assert isinstance(item, wire.BloodPressureReading)
        rules = met(measurement_of(item, NOON))
        assert ("BP-03" in rules, "BP-04" in rules) == (tenths >= 240, tenths >= 267), tenths


@given(st.sampled_from(sorted(OPERATORS)), st.integers(-50, 50), st.integers(-50, 50))
def test_ge_and_le_include_the_limit_gt_and_lt_do_not(op: str, value: int, limit: int) -> None:
    exact = {"ge": value >= limit, "gt": value > limit, "le": value <= limit, "lt": value < limit}
    tenth = Limit("glucose", op, {"mmol/L": limit / 10})
    assert tenth.reached(value / 10, "mmol/L") is exact[op]


def test_no_value_reaches_no_limit() -> None:
    low, high = Limit("glucose", "lt", {"mmol/L": 3.0}), Limit("glucose", "ge", {"mmol/L": 0.0})
    assert not low.reached(None, "mmol/L")
    assert not high.reached_by(sugar(None, t("08:00"), flags=("hi",)))


def test_a_limit_reads_as_a_doctor_writes_it() -> None:
    limit = Limit("systolic", "ge", {"mmHg": 180.0, "kPa": 24.0})
    assert limit.text("zh") == "收缩压 ≥ 180 mmHg (24 kPa)"
    assert limit.text("en") == "systolic ≥ 180 mmHg (24 kPa)"
    assert set(SIGNS) == set(OPERATORS)
    assert all(set(words) == {"zh", "en"} for words in LABELS.values())


def test_a_band_ends_below_its_upper_edge() -> None:
    band = Limit("systolic", "ge", {"mmHg": 160, "kPa": 21.3}, below={"mmHg": 180, "kPa": 24.0})
    assert [v for v in (159, 160, 179.9, 180) if band.reached(v, "mmHg")] == [160, 179.9]
    assert [v for v in (21.2, 21.3, 23.9, 24.0) if band.reached(v, "kPa")] == [21.3, 23.9]
    assert band.text("en") == "systolic ≥ 160 mmHg (21.3 kPa), < 180 mmHg (24 kPa)"


def test_a_number_of_which_nobody_said_the_unit_reaches_no_limit() -> None:
    assert not Limit("systolic", "ge", {"mmHg": 0.0, "kPa": 0.0}).reached(300, "")


def test_a_limit_for_a_context_looks_at_no_other() -> None:
    fasting = Limit("glucose", "ge", {"mmol/L": 5.3}, contexts=frozenset({"fasting"}))
    reading = sugar(6.0, t("08:00"))
    assert not fasting.reached_by(reading)
    assert not fasting.reached_by(replace(reading, context="after_meal"))
    assert fasting.reached_by(replace(reading, context="fasting"))


@pytest.mark.parametrize(
    ("systolic", "diastolic", "unit", "narrow"),
    [(100, 81, "mmHg", True), (100, 80, "mmHg", False), (16.1, 13.4, "kPa", False)],
)
def test_the_pulse_pressure_is_the_difference_without_its_rounding_error(
    systolic: float, diastolic: float, unit: str, narrow: bool
) -> None:
    limit = Limit("pulse_pressure", "lt", {"mmHg": 20, "kPa": 2.7})
    assert limit.reached_by(bp(systolic, diastolic, t("08:00"), unit=unit)) is narrow
    assert not limit.reached_by(sugar(5.0, t("08:00")))


def test_an_own_target_replaces_the_number_in_each_unit() -> None:
    limit = Limit(
        "systolic", "lt", {"mmHg": 130, "kPa": 17.3}, target="target_systolic_mmhg", margin=-5
    )
    assert limit.own({}) is limit
    assert limit.own({"target_systolic_mmhg": 145}).values == {"mmHg": 140, "kPa": 18.7}
    only_own = Limit("weight", "le", {}, target="dry_weight_kg", margin=1)
    assert not only_own.reached(40, "kg")
    assert only_own.own({"dry_weight_kg": 60}).reached(61, "kg")
    assert only_own.text("zh") == "体重 ≤"


def test_from_the_wire_to_a_measurement() -> None:
    item = wire.decode_item(
        b'{"kind":"blood_pressure","reading_id":"5f0d3c3e-4f0b-5d0c-9a54-79696b616f31",'
        b'"device":"C1","measured_at":"2026-03-02T08:00:00+08:00","doubt_s":2,'
        b'"clocks":{"t_hub":"2026-03-02T08:00:01+08:00"},"unit":"kPa","flags":["cuff_loose"],'
        b'"systolic_mmhg":180.0,"diastolic_mmhg":80.3,"systolic_kpa":24.0,"diastolic_kpa":10.7}'
    )
    assert isinstance(item, wire.BloodPressureReading)
    measurement = measurement_of(item, t("08:00:03"), plausible=False)
    assert measurement.key == "blood_pressure/C1/2026-03-02T00:00:00+00:00", "the zone is no part"
    assert measurement.values == {"systolic": 24.0, "diastolic": 10.7}, "own unit; no pulse sent"
    assert (measurement.unit, measurement.flags) == ("kPa", frozenset({"cuff_loose"}))
    assert measurement.age.total_seconds() == 3
    assert not measurement.plausible
