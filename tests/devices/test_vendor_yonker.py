"""Yonker's 15 bytes: recorded results, what is none of them, and a cuff driven by hand."""

import pytest
from driven import NOW, Device
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices import gatt
from yikao_devices.assembler import Assembler, measurements_of
from yikao_devices.blood_pressure import BloodPressure
from yikao_devices.conversation import Notification, Outcome, Silence
from yikao_devices.date_time import DateTime
from yikao_devices.errors import EncodeError, FrameError
from yikao_devices.models import Conversation, Model, recognise
from yikao_devices.readings import Origin
from yikao_devices.sfloat import Special
from yikao_devices.talks import talk_with
from yikao_devices.vendors.yonker import decode_result, encode_result
from yikao_devices.wire import BloodPressureReading, RefusedFrame

PLACE = gatt.YONKER_MEASUREMENT
MEASURING = bytes.fromhex("804600000000")
RECORDED = [
    # github.com/derdilla/blood-pressure-monitor-fl, yonker_measurement_data_test.dart
    ("81836751 0000 190b18 1312 00000000", (131, 103, 81), DateTime(2024, 11, 25, 19, 18, 0)),
    # A second project's device of the same model, compared with its display.
    ("81462432 0000 190315 0a11 00000000", (70, 36, 50), DateTime(2021, 3, 25, 10, 17, 0)),
]


def yonker() -> Model:
    model = recognise("YK-IBPA1", frozenset())
    assert model is not None
    return model


@pytest.mark.parametrize(("frame", "values", "time"), RECORDED)
def test_recorded_results(frame: str, values: tuple[int, int, int], time: DateTime) -> None:
    found = decode_result(bytes.fromhex(frame))
    assert (found.systolic, found.diastolic, found.pulse) == values
    assert (found.unit, found.map, found.time) == ("mmHg", Special.NAN, time)
    assert (found.user, found.status, found.trailing) == (None, None, bytes(6))


@given(st.binary(min_size=14, max_size=14).map(lambda tail: b"\x81" + tail))
def test_results_both_ways(frame: bytes) -> None:
    assert encode_result(decode_result(frame)) == frame


@given(st.binary(max_size=40))
def test_random_bytes_raise_only_frame_errors(frame: bytes) -> None:
    try:
        decode_result(frame)
    except FrameError as error:
        assert error.frame == frame


@pytest.mark.parametrize(
    "frame",
    ["81624e", "8146243200001903150a1100000000ff", "8246243200001903150a1100000000"],
    ids=["an oximeter's", "too long", "another kind"],
)
def test_what_is_no_result(frame: str) -> None:
    with pytest.raises(FrameError, match="begins with 81 and has 15 bytes"):
        decode_result(bytes.fromhex(frame))


@pytest.mark.parametrize(
    "value",
    [
        BloodPressure("mmHg", 300.0, 80.0, 90.0, DateTime(2024, 1, 1, 0, 0, 0), 60.0),
        BloodPressure("mmHg", Special.NAN, 80.0, 90.0, DateTime(2024, 1, 1, 0, 0, 0), 60.0),
        BloodPressure("mmHg", 120.0, 80.0, 90.0, None, 60.0),
    ],
)
def test_what_a_result_cannot_say(value: BloodPressure) -> None:
    with pytest.raises(EncodeError, match=r"a result has|no room"):
        encode_result(value)


def test_a_yonker_is_subscribed_under_its_own_characteristic() -> None:
    result = Notification(PLACE, bytes.fromhex(RECORDED[0][0]))
    cuff = Device([Notification(PLACE, MEASURING), result, Silence()])
    assert cuff.converse(talk_with(yonker(), frozenset({PLACE}))) == Outcome({}, None, 2)
    assert cuff.subscribed == [PLACE]
    assert cuff.written == []


def test_a_result_becomes_a_reading_dated_by_its_arrival() -> None:
    assembler = Assembler(yonker())
    origin = Origin("AA", "yonker", NOW, None, clock_is_believed=yonker().clock_is_believed)
    assert assembler.feed(PLACE, MEASURING, origin) == []
    frame = bytes.fromhex(RECORDED[1][0])
    (reading,) = assembler.feed(PLACE, frame, origin)
    assert isinstance(reading, BloodPressureReading)
    assert (reading.systolic_mmhg, reading.diastolic_mmhg, reading.pulse_bpm) == (70, 36, 50)
    # Its clock said 2021: a fresh measurement must not be filed there.
    assert reading.measured_at == NOW
    assert reading.clocks.t_dev == "2021-03-25T10:17:00"
    assert (reading.mean_mmhg, reading.frame) == (None, frame.hex())
    assert not assembler.holding
    (again,) = assembler.feed(PLACE, frame, origin)
    assert isinstance(again, BloodPressureReading)
    assert again.reading_id == reading.reading_id


def test_a_frame_that_is_no_result_travels_on_with_its_bytes() -> None:
    (refused,) = Assembler(yonker()).feed(PLACE, b"\x81\x62", Origin("AA", "yonker", NOW, None))
    assert isinstance(refused, RefusedFrame)
    assert (refused.frame, refused.characteristic) == (
        "8162",
        "cdeacd81-5235-4c07-8846-93a37ee6b86d",
    )


def test_only_its_own_model_takes_the_characteristic_for_a_measurement() -> None:
    assert PLACE in measurements_of(yonker())
    assert PLACE not in measurements_of(Model("plain", Conversation.CUFF))
