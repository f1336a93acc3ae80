"""Scales, thermometers, oximeters, straps and newer cuffs: from frames to items."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from yikao_devices import gatt
from yikao_devices.assembler import MEASUREMENTS, Assembler
from yikao_devices.blood_pressure import BloodPressure, encode_blood_pressure
from yikao_devices.clocks import CLOCK_ERROR, GATEWAY_CLOCK_UNSET
from yikao_devices.date_time import EpochTime, date_time_of
from yikao_devices.enhanced_blood_pressure import (
    EnhancedBloodPressure,
    encode_enhanced_blood_pressure,
)
from yikao_devices.heart_rate import Contact, HeartRate, encode_heart_rate
from yikao_devices.items_temperature import SITES
from yikao_devices.minutes import SAMPLES_MAX, SAMPLES_MIN
from yikao_devices.models import CATALOGUE, GENERIC_CUFF, GENERIC_METER, recognise, standard_of
from yikao_devices.oximeter_status import Measurement, Sensor
from yikao_devices.pulse_oximeter import (
    Continuous,
    SpotCheck,
    encode_continuous,
    encode_spot_check,
)
from yikao_devices.readings import JUST_NOW, MEASUREMENT_FAILED, Origin
from yikao_devices.sfloat import Special
from yikao_devices.temperature import Temperature, encode_temperature
from yikao_devices.units import KG_PER_LB
from yikao_devices.weight import Weight, encode_weight
from yikao_devices.wire import (
    BloodPressureReading,
    DeviceEvent,
    HeartRateReading,
    Item,
    OximetryReading,
    RefusedFrame,
    TemperatureReading,
    WeightReading,
    decode_item,
    encode_item,
)

HOME = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=HOME)
ORIGIN = Origin("C4:1D:00:00:00:01", "generic", NOW, 0.0)
TAKEN = date_time_of(NOW - timedelta(minutes=5))
NONE_YET = Special.NAN

WEIGHT = Weight("kg", 71.305, TAKEN, 1)
WARM = Temperature("C", 37.2, TAKEN, 3)
SPOT = SpotCheck(96.0, 72.0, TAKEN)
PRESSURE = BloodPressure("mmHg", 124.0, 86.0, 97.0, TAKEN, 51.0, 1, 0)


def only(characteristic: int, frame: bytes, origin: Origin = ORIGIN) -> Item:
    (item,) = Assembler(GENERIC_CUFF).feed(characteristic, frame, origin)
    assert decode_item(encode_item(item)) == item
    return item


def weighed(value: Weight, origin: Origin = ORIGIN) -> Item:
    return only(gatt.WEIGHT_MEASUREMENT, encode_weight(value), origin)


def warm(value: Temperature, origin: Origin = ORIGIN) -> Item:
    return only(gatt.TEMPERATURE_MEASUREMENT, encode_temperature(value), origin)


def spot(value: SpotCheck, origin: Origin = ORIGIN) -> Item:
    return only(gatt.PLX_SPOT_CHECK_MEASUREMENT, encode_spot_check(value), origin)


def enhanced(value: EnhancedBloodPressure) -> Item:
    frame = encode_enhanced_blood_pressure(value)
    return only(gatt.ENHANCED_BLOOD_PRESSURE_MEASUREMENT, frame)


# Records


def test_a_weight() -> None:
    item = weighed(WEIGHT)
    assert isinstance(item, WeightReading)
    assert (item.weight_kg, item.weight_lb, item.unit, item.user) == (71.305, None, "kg", 1)
    assert (item.measured_at, item.flags) == (NOW - timedelta(minutes=5), ())
    assert item.frame == encode_weight(WEIGHT).hex()


def test_pounds_are_converted_by_the_exact_factor_and_kept() -> None:
    item = weighed(Weight("lb", 655.34, TAKEN, 255))
    assert isinstance(item, WeightReading)
    assert (item.weight_lb, item.unit, item.user) == (655.34, "lb", None)
    assert KG_PER_LB == 0.45359237
    assert item.weight_kg == round(655.34 * 0.45359237, 3)


def test_degrees_fahrenheit_are_converted_and_kept() -> None:
    item = warm(Temperature("F", 101.3, TAKEN))
    assert isinstance(item, TemperatureReading)
    assert (item.temperature_c, item.temperature_f, item.unit) == (38.5, 101.3, "[degF]")


@pytest.mark.parametrize("site", range(12))
def test_the_place_of_a_temperature_is_told_and_a_reserved_number_is_not(site: int) -> None:
    item = warm(replace(WARM, site=site))
    assert isinstance(item, TemperatureReading)
    assert item.flags == ((SITES[site],) if site in SITES else ())
    assert (item.temperature_c, item.temperature_f, item.unit) == (37.2, None, "Cel")


def test_a_spot_check() -> None:
    item = spot(replace(SPOT, dstatus=Sensor.LOW_PERFUSION | Sensor.POOR_SIGNAL | 1 << 20))
    assert isinstance(item, OximetryReading)
    assert (item.spo2_pct, item.pulse_bpm) == (96.0, 72.0)
    assert item.flags == ("low_perfusion", "poor_signal")
    without = spot(replace(SPOT, pr=Special.NRES))
    assert isinstance(without, OximetryReading) and without.pulse_bpm is None


@pytest.mark.parametrize(
    "item",
    [
        weighed(replace(WEIGHT, weight=NONE_YET)),
        *(warm(replace(WARM, temperature=special)) for special in Special),
        *(spot(replace(SPOT, spo2=special)) for special in Special),
        *(
            spot(replace(SPOT, mstatus=bit))
            for bit in (
                Measurement.INVALID,
                Measurement.UNAVAILABLE,
                Measurement.DEMONSTRATION,
                Measurement.TESTING,
                Measurement.CALIBRATION,
            )
        ),
        *(
            spot(replace(SPOT, dstatus=bit))
            for bit in (
                Sensor.EQUIPMENT_MALFUNCTION,
                Sensor.OFF_THE_USER,
                Sensor.MALFUNCTION,
                Sensor.DISCONNECTED,
            )
        ),
        enhanced(EnhancedBloodPressure("mmHg", NONE_YET, NONE_YET, NONE_YET)),
    ],
)
def test_what_failed_is_an_event_and_never_a_number(item: Item) -> None:
    assert isinstance(item, DeviceEvent)
    assert item.code == MEASUREMENT_FAILED


def test_a_record_keeps_its_id_at_every_reading_and_without_a_time_has_one_for_each() -> None:
    later = replace(ORIGIN, arrived_at=NOW + timedelta(days=3), device_offset_s=-7.0)
    for make, value in ((weighed, WEIGHT), (warm, WARM), (spot, SPOT)):
        assert make(value).reading_id == make(value, later).reading_id  # type: ignore[operator]
        bare = replace(value, time=None)  # type: ignore[type-var]
        assert make(bare).reading_id != make(bare, later).reading_id  # type: ignore[operator]


def test_a_record_without_a_time_was_measured_just_now() -> None:
    item = weighed(Weight("kg", 70.0))
    assert isinstance(item, WeightReading)
    assert (item.measured_at, item.doubt_s) == (NOW, JUST_NOW.total_seconds())
    unset = weighed(Weight("kg", 70.0), replace(ORIGIN, clock_unset=True))
    assert isinstance(unset, WeightReading) and unset.flags == (GATEWAY_CLOCK_UNSET,)


def test_a_time_from_a_clock_that_was_never_set_is_not_believed() -> None:
    long_ago = date_time_of(datetime(2015, 1, 1, 0, 3))  # noqa: DTZ001
    item = spot(SpotCheck(96.0, 72.0, long_ago, clock_unset=True))
    assert isinstance(item, OximetryReading)
    assert (item.measured_at, item.flags) == (NOW, (CLOCK_ERROR,))
    assert item.clocks.t_dev == "2015-01-01T00:03:00"


def test_a_newer_cuff_is_dated_by_what_its_display_showed() -> None:
    def since_2000(at: datetime) -> EpochTime:
        return EpochTime(int((at - datetime(2000, 1, 1, tzinfo=HOME)).total_seconds()), 2000)

    shown, untouched = NOW - timedelta(minutes=5), NOW - timedelta(hours=8, minutes=5)
    value = EnhancedBloodPressure(
        "mmHg", 124.0, 86.0, 97.0, since_2000(untouched), 51.0, 1, 4, since_2000(shown)
    )
    item = enhanced(value)
    assert isinstance(item, BloodPressureReading)
    assert (item.measured_at, item.flags) == (shown, ("irregular_pulse",))
    # The same record in the old form is the same reading.
    old = only(gatt.BLOOD_PRESSURE_MEASUREMENT, encode_blood_pressure(replace(PRESSURE, status=4)))
    assert isinstance(old, BloodPressureReading) and old.reading_id == item.reading_id
    alone = enhanced(replace(value, user_time=None))
    assert isinstance(alone, BloodPressureReading) and alone.measured_at == untouched


def test_what_a_device_says_while_it_measures_is_no_measurement() -> None:
    for characteristic in (
        gatt.INTERMEDIATE_CUFF_PRESSURE,
        gatt.ENHANCED_INTERMEDIATE_CUFF_PRESSURE,
        gatt.INTERMEDIATE_TEMPERATURE,
        gatt.CGM_MEASUREMENT,
    ):
        assert characteristic not in MEASUREMENTS
        (item,) = Assembler(GENERIC_METER).feed(characteristic, bytes(8), ORIGIN)
        assert isinstance(item, RefusedFrame)


# Streams


def beats(hr: int, contact: Contact = Contact.YES) -> bytes:
    return encode_heart_rate(HeartRate(hr, contact))


def streamed(
    characteristic: int, frame_of: Callable[[int], bytes], seconds: range, origin: Origin = ORIGIN
) -> list[Item]:
    assembler = Assembler(GENERIC_CUFF)
    items: list[Item] = []
    for second in seconds:
        then = replace(origin, arrived_at=NOW + timedelta(seconds=second))
        items += assembler.feed(characteristic, frame_of(second), then)
        assert not assembler.holding
    assert assembler.unfinished
    items += assembler.finish()
    assert not assembler.unfinished
    return items


def heart(frame_of: Callable[[int], bytes], seconds: range) -> list[Item]:
    return streamed(gatt.HEART_RATE_MEASUREMENT, frame_of, seconds)


def test_a_minute_is_its_middle_and_not_moved_by_what_was_odd_in_it() -> None:
    items = heart(lambda s: beats(215 if s % 5 == 0 else 70 + s % 3), range(60))
    (item,) = items
    assert isinstance(item, HeartRateReading)
    assert (item.pulse_bpm, item.flags) == (71.0, ())
    assert (item.measured_at, item.doubt_s) == (NOW, 60.0)
    assert item.frame == beats(71).hex()


def test_each_minute_of_the_clock_is_a_reading_whenever_the_visit_began() -> None:
    items = heart(lambda s: beats(60 + s // 60), range(20, 140))
    readings = [item for item in items if isinstance(item, HeartRateReading)]
    minutes = [NOW + timedelta(minutes=n) for n in range(3)]
    assert [(r.measured_at, r.pulse_bpm) for r in readings] == list(
        zip(minutes, (60.0, 61.0, 62.0), strict=True)
    )


def test_a_minute_of_two_visits_is_one_reading() -> None:
    first, second = (heart(lambda _: beats(60), part) for part in (range(25), range(30, 55)))
    assert [item.reading_id for item in first] == [item.reading_id for item in second]


@pytest.mark.parametrize(("samples", "readings"), [(SAMPLES_MIN - 1, 0), (SAMPLES_MIN, 1)])
def test_too_few_samples_are_no_minute(samples: int, readings: int) -> None:
    assert len(heart(lambda _: beats(60), range(samples))) == readings


def test_without_contact_or_with_no_beat_a_sample_does_not_count() -> None:
    assert heart(lambda _: beats(60, Contact.NO), range(60)) == []
    assert heart(lambda _: beats(0, Contact.NOT_REPORTED), range(60)) == []
    (item,) = heart(lambda s: beats(180, Contact.NO) if s < 40 else beats(60), range(60))
    assert isinstance(item, HeartRateReading)
    assert (item.pulse_bpm, item.flags) == (60.0, ("no_contact",))


def test_what_cannot_be_decoded_is_refused_and_costs_the_minute_nothing() -> None:
    items = heart(lambda s: b"\x01\x3c" if s == 5 else beats(60), range(60))
    assert [type(item) for item in items] == [RefusedFrame, HeartRateReading]


def test_a_minute_is_bounded() -> None:
    assembler = Assembler(GENERIC_CUFF)
    for number in range(SAMPLES_MAX + 500):
        hr = 60 if number < SAMPLES_MAX // 2 + 1 else 200
        assembler.feed(gatt.HEART_RATE_MEASUREMENT, beats(hr), ORIGIN)
    (item,) = assembler.finish()
    assert isinstance(item, HeartRateReading) and item.pulse_bpm == 60.0


GOOD = Continuous(94.0, 71.0)
DOUBTED = [
    replace(GOOD, spo2=Special.NAN),
    replace(GOOD, spo2=0.0),
    replace(GOOD, spo2=127.0),
    *(replace(GOOD, mstatus=bit) for bit in Measurement),
    *(replace(GOOD, dstatus=bit) for bit in Sensor if bit is not Sensor.LOW_PERFUSION),
]


@pytest.mark.parametrize("doubted", DOUBTED)
def test_of_an_oximeter_only_samples_count_that_it_does_not_doubt(doubted: Continuous) -> None:
    def frame(second: int) -> bytes:
        return encode_continuous(doubted if second < 35 else GOOD)

    stream = gatt.PLX_CONTINUOUS_MEASUREMENT
    assert streamed(stream, lambda _: encode_continuous(doubted), range(60)) == []
    (item,) = streamed(stream, frame, range(60))
    assert isinstance(item, OximetryReading)
    assert (item.spo2_pct, item.pulse_bpm) == (94.0, 71.0)


def test_a_weak_pulse_is_told_and_counts() -> None:
    weak = replace(GOOD, dstatus=Sensor.LOW_PERFUSION, pr=Special.NAN)
    stream = gatt.PLX_CONTINUOUS_MEASUREMENT
    (item,) = streamed(stream, lambda _: encode_continuous(weak), range(60))
    assert isinstance(item, OximetryReading)
    assert (item.spo2_pct, item.pulse_bpm, item.flags) == (94.0, None, ("low_perfusion",))


# Models


@pytest.mark.parametrize(
    ("services", "name"),
    [
        ({gatt.WEIGHT_SCALE_SERVICE}, "generic-scale"),
        ({gatt.HEALTH_THERMOMETER_SERVICE}, "generic-thermometer"),
        ({gatt.PULSE_OXIMETER_SERVICE}, "generic-oximeter"),
        ({gatt.HEART_RATE_SERVICE}, "generic-strap"),
        ({gatt.HEART_RATE_SERVICE, gatt.BLOOD_PRESSURE_SERVICE}, "generic-cuff"),
        ({gatt.HEART_RATE_SERVICE, gatt.PULSE_OXIMETER_SERVICE}, "generic-oximeter"),
    ],
)
def test_a_device_is_known_by_its_service(services: set[int], name: str) -> None:
    model = recognise("whatever", frozenset(services))
    assert model is not None and model.name == name
    assert model in CATALOGUE


def test_what_a_forgotten_model_has_sent_is_read_by_the_standard() -> None:
    for characteristic in MEASUREMENTS:
        model = standard_of(characteristic)
        told = Assembler(model)
        items = told.feed(characteristic, b"", ORIGIN) + told.finish()
        assert [type(item) for item in items] == [RefusedFrame]
    assert standard_of(gatt.GLUCOSE_MEASUREMENT) is GENERIC_METER
