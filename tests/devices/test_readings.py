"""From frames to items: what becomes a reading, what an event, what is refused, and by which id."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from frames import blood_pressures, contexts, glucoses
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.assembler import MEASUREMENTS, Assembler
from yikao_devices.blood_pressure import (
    USER_UNKNOWN,
    BloodPressure,
    Status,
    encode_blood_pressure,
)
from yikao_devices.clocks import CLOCK_ERROR
from yikao_devices.date_time import date_time_of
from yikao_devices.errors import FrameError
from yikao_devices.gatt import (
    BLOOD_PRESSURE_MEASUREMENT,
    GLUCOSE_MEASUREMENT,
    GLUCOSE_MEASUREMENT_CONTEXT,
    hex16,
)
from yikao_devices.glucose import TYPE_CONTROL_SOLUTION, Glucose, SensorStatus, encode_glucose
from yikao_devices.glucose_context import MEAL_KETONE, GlucoseContext, encode_glucose_context
from yikao_devices.items_blood_pressure import blood_pressure_item
from yikao_devices.items_glucose import (
    CONTROL_SOLUTION,
    KETONE_RECORD,
    NO_RESULT,
    glucose_item,
)
from yikao_devices.models import GENERIC_CUFF, GENERIC_METER
from yikao_devices.readings import MEASUREMENT_FAILED, Origin
from yikao_devices.sfloat import Special
from yikao_devices.streams import STREAMS
from yikao_devices.wire import (
    BloodPressureReading,
    DeviceEvent,
    GlucoseReading,
    Item,
    RefusedFrame,
    decode_item,
    encode_item,
    kind_of,
)

HOME = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=HOME)
ORIGIN = Origin("C4:1D:00:00:00:01", "generic-cuff", NOW, 0.0)
TAKEN = date_time_of(NOW - timedelta(minutes=5))
PRESSURE = BloodPressure("mmHg", 124.0, 86.0, 97.0, TAKEN, 51.0, 1, 0)
SUGAR = Glucose(7, TAKEN, 0, 0.0059, "mol/L", 1, 1, 0)


def pressure(value: BloodPressure, origin: Origin = ORIGIN) -> Item:
    return blood_pressure_item(value, b"", origin)


def sugar(value: Glucose, context: GlucoseContext | None = None, origin: Origin = ORIGIN) -> Item:
    return glucose_item(value, context, b"", origin)


def code_of(item: Item) -> str:
    assert isinstance(item, DeviceEvent)
    return item.code


def test_a_pressure_reading() -> None:
    item = pressure(PRESSURE)
    assert isinstance(item, BloodPressureReading)
    assert (item.systolic_mmhg, item.diastolic_mmhg, item.mean_mmhg) == (124.0, 86.0, 97.0)
    assert (item.pulse_bpm, item.user, item.unit) == (51.0, 1, "mmHg")
    assert item.measured_at == NOW - timedelta(minutes=5)


def test_a_pressure_in_kpa_is_converted_and_kept() -> None:
    item = pressure(replace(PRESSURE, unit="kPa", systolic=24.0, diastolic=14.7, map=17.8))
    assert isinstance(item, BloodPressureReading)
    assert (item.systolic_mmhg, item.diastolic_mmhg) == (180.0, 110.3)
    assert (item.systolic_kpa, item.diastolic_kpa, item.mean_kpa) == (24.0, 14.7, 17.8)
    assert item.unit == "kPa"


def test_a_failed_measurement_is_an_event() -> None:
    nan = Special.NAN
    failed = replace(PRESSURE, systolic=nan, diastolic=nan, map=nan, pulse=nan)
    assert code_of(pressure(failed)) == MEASUREMENT_FAILED


def test_a_missing_mean_or_user_is_absent() -> None:
    item = pressure(replace(PRESSURE, map=0.0, user=USER_UNKNOWN, pulse=None))
    assert isinstance(item, BloodPressureReading)
    assert (item.mean_mmhg, item.user, item.pulse_bpm) == (None, None, None)


def test_status_bits_become_words_and_unknown_bits_do_not_matter() -> None:
    item = pressure(replace(PRESSURE, status=Status.CUFF_LOOSE | Status.IRREGULAR_PULSE | 0x4000))
    assert isinstance(item, BloodPressureReading)
    assert item.flags == ("cuff_loose", "irregular_pulse")


@pytest.mark.parametrize(
    ("amount", "unit", "mmol_l", "mg_dl"),
    [(0.0059, "mol/L", 5.9, None), (0.00111, "kg/L", 6.16, 111.0), (0.0009, "kg/L", 4.99, 90.0)],
)
def test_glucose_units(amount: float, unit: str, mmol_l: float, mg_dl: float | None) -> None:
    item = sugar(replace(SUGAR, value=amount, unit=unit))
    assert isinstance(item, GlucoseReading)
    assert (item.glucose_mmol_l, item.glucose_mg_dl) == (mmol_l, mg_dl)


def test_control_solution_and_ketones_are_nobodys_glucose() -> None:
    assert code_of(sugar(replace(SUGAR, type=TYPE_CONTROL_SOLUTION))) == CONTROL_SOLUTION
    assert code_of(sugar(SUGAR, GlucoseContext(7, meal=MEAL_KETONE))) == KETONE_RECORD


def test_a_record_without_a_number_is_an_event() -> None:
    assert code_of(sugar(replace(SUGAR, value=Special.NAN))) == NO_RESULT
    assert code_of(sugar(replace(SUGAR, value=None, unit=None))) == NO_RESULT


@pytest.mark.parametrize(
    ("status", "flag"), [(SensorStatus.TOO_HIGH, "hi"), (SensorStatus.TOO_LOW, "lo")]
)
@pytest.mark.parametrize("amount", [Special.POSITIVE_INFINITY, 0.0333])
def test_hi_and_lo_are_words_without_a_number(
    status: SensorStatus, flag: str, amount: float | Special
) -> None:
    item = sugar(replace(SUGAR, status=status, value=amount))
    assert isinstance(item, GlucoseReading)
    assert (item.flags, item.glucose_mmol_l, item.glucose_mg_dl) == ((flag,), None, None)


def test_a_negative_concentration_is_refused() -> None:
    with pytest.raises(FrameError, match="negative"):
        sugar(replace(SUGAR, value=-0.1))


def test_the_time_offset_shifts_the_time_shown() -> None:
    item = sugar(replace(SUGAR, offset_min=-60))
    assert item.measured_at == NOW - timedelta(minutes=65)  # type: ignore[union-attr]


def test_a_record_keeps_its_id_at_every_reading() -> None:
    later = replace(ORIGIN, arrived_at=NOW + timedelta(days=3), device_offset_s=-7.0)
    assert pressure(PRESSURE).reading_id == pressure(PRESSURE, later).reading_id
    assert sugar(SUGAR).reading_id == sugar(SUGAR, None, later).reading_id


@pytest.mark.parametrize(
    "other",
    [
        replace(PRESSURE, systolic=125.0),
        replace(PRESSURE, user=2),
        replace(PRESSURE, time=date_time_of(NOW)),
    ],
)
def test_another_pressure_has_another_id(other: BloodPressure) -> None:
    assert pressure(other).reading_id != pressure(PRESSURE).reading_id


def test_another_record_or_device_has_another_id() -> None:
    ids = {
        sugar(SUGAR).reading_id,
        sugar(replace(SUGAR, seq=8)).reading_id,
        sugar(SUGAR, None, replace(ORIGIN, device="C4:1D:00:00:00:02")).reading_id,
    }
    assert len(ids) == 3


def test_a_meter_that_renumbers_is_told_apart_by_time_and_value() -> None:
    reversing = replace(ORIGIN, sequence_is_cursor=False)
    assert (
        sugar(SUGAR, None, reversing).reading_id
        == sugar(replace(SUGAR, seq=0), None, reversing).reading_id
    )


def meter_frames(*parts: Glucose | GlucoseContext) -> list[tuple[int, bytes]]:
    return [
        (GLUCOSE_MEASUREMENT, encode_glucose(part))
        if isinstance(part, Glucose)
        else (GLUCOSE_MEASUREMENT_CONTEXT, encode_glucose_context(part))
        for part in parts
    ]


def test_a_result_waits_for_its_context() -> None:
    assembler = Assembler(GENERIC_METER)
    first, second = meter_frames(replace(SUGAR, context_follows=True), GlucoseContext(7, meal=3))
    assert assembler.feed(*first, ORIGIN) == []
    assert assembler.holding
    (item,) = assembler.feed(*second, ORIGIN)
    assert isinstance(item, GlucoseReading)
    assert item.meal == "fasting"
    assert not assembler.holding


def test_a_context_that_never_comes_costs_no_result() -> None:
    assembler = Assembler(GENERIC_METER)
    one, two, alien = meter_frames(
        replace(SUGAR, context_follows=True),
        replace(SUGAR, seq=8, context_follows=True),
        GlucoseContext(99, meal=1),
    )
    assert assembler.feed(*one, ORIGIN) == []
    assert [item.record for item in assembler.feed(*two, ORIGIN)] == [7]  # type: ignore[union-attr]
    assert assembler.feed(*alien, ORIGIN) == []
    assert [item.record for item in assembler.finish()] == [8]  # type: ignore[union-attr]


def test_bytes_that_nobody_understands_travel_on() -> None:
    assembler = Assembler(GENERIC_CUFF)
    (item,) = assembler.feed(BLOOD_PRESSURE_MEASUREMENT, b"\x16\x7c", ORIGIN)
    assert isinstance(item, RefusedFrame)
    assert (item.frame, item.characteristic) == ("167c", "2A35")
    (again,) = assembler.feed(BLOOD_PRESSURE_MEASUREMENT, b"\x16\x7c", ORIGIN)
    assert again.reading_id == item.reading_id


def test_a_device_whose_clock_is_at_the_end_of_the_calendar_still_delivers() -> None:
    assembler = Assembler(GENERIC_CUFF)
    last = replace(PRESSURE, time=date_time_of(datetime(9999, 12, 31, 23, 59)))  # noqa: DTZ001
    origin = replace(ORIGIN, device_offset_s=2.5e11)
    (item,) = assembler.feed(BLOOD_PRESSURE_MEASUREMENT, encode_blood_pressure(last), origin)
    assert isinstance(item, BloodPressureReading)
    assert item.flags == (CLOCK_ERROR,)
    assert decode_item(encode_item(item)) == item


KINDS = {
    "blood_pressure",
    "glucose",
    "weight",
    "temperature",
    "oximetry",
    "event",
    "refused",
}
frames = st.one_of(
    st.tuples(st.sampled_from(sorted(MEASUREMENTS)), st.binary(max_size=40)),
    blood_pressures().map(lambda v: (BLOOD_PRESSURE_MEASUREMENT, encode_blood_pressure(v))),
    glucoses().map(lambda v: (GLUCOSE_MEASUREMENT, encode_glucose(v))),
    contexts().map(lambda v: (GLUCOSE_MEASUREMENT_CONTEXT, encode_glucose_context(v))),
)


@given(st.lists(frames, max_size=12), st.none() | st.floats(-3e11, 3e11))
def test_no_measurement_frame_is_lost(
    arrived: list[tuple[int, bytes]], offset: float | None
) -> None:
    """Every result and every unreadable frame becomes an item, whatever comes in between."""
    assembler = Assembler(GENERIC_METER)
    origin = replace(ORIGIN, device_offset_s=offset)
    items: list[Item] = []
    for characteristic, frame in arrived:
        items += assembler.feed(characteristic, frame, origin)
    items += assembler.finish()
    apart = STREAMS | {GLUCOSE_MEASUREMENT_CONTEXT}
    results = [frame for characteristic, frame in arrived if characteristic not in apart]
    said = {hex16(characteristic) for characteristic in apart}
    kept = [item.frame for item in items if getattr(item, "characteristic", "") not in said]  # type: ignore[union-attr]
    assert sorted(kept) == sorted(frame.hex() for frame in results)
    assert {kind_of(item) for item in items} <= KINDS
    assert all(encode_item(item) for item in items)
