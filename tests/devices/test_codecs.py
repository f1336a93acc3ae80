"""Every codec both ways: what is encoded decodes to itself, and no bytes do more than refuse."""

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest
from codec_table import CODECS, Codec, beurer
from frames import current_times, times
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices import racp
from yikao_devices.blood_pressure import (
    BloodPressure,
    decode_blood_pressure,
    encode_blood_pressure,
)
from yikao_devices.cgm import CgmMeasurement
from yikao_devices.date_time import (
    CurrentTime,
    DateTime,
    EpochTime,
    decode_current_time,
    decode_date_time,
    encode_current_time,
    encode_date_time,
)
from yikao_devices.describe import describe
from yikao_devices.device_information import (
    SystemId,
    decode_battery,
    decode_system_id,
    decode_text,
    encode_system_id,
    encode_text,
)
from yikao_devices.enhanced_blood_pressure import (
    EnhancedBloodPressure,
    decode_enhanced_blood_pressure,
    encode_enhanced_blood_pressure,
)
from yikao_devices.errors import EncodeError, FrameError
from yikao_devices.features import decode_feature, encode_feature
from yikao_devices.heart_rate import HeartRate, decode_heart_rate, encode_heart_rate
from yikao_devices.sfloat import Special
from yikao_devices.temperature import Temperature, encode_temperature
from yikao_devices.weight import Weight, decode_weight, encode_weight

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "gatt_vectors.json").read_text("utf-8")
)
BY_NAME = {codec.name: codec for codec in CODECS}
each_codec = pytest.mark.parametrize("codec", CODECS, ids=str)


@each_codec
@given(data=st.data())
def test_what_is_encoded_decodes_to_itself(codec: Codec, data: st.DataObject) -> None:
    value = data.draw(codec.values)
    assert codec.decode(codec.encode(value)) == value


@each_codec
@given(data=st.data())
def test_a_frame_cut_anywhere_is_refused(codec: Codec, data: st.DataObject) -> None:
    frame = codec.encode(ending_with_its_fields(data.draw(codec.values)))
    for length in range(len(frame)):
        with pytest.raises(FrameError) as caught:
            codec.decode(frame[:length])
        assert caught.value.frame == frame[:length]


def ending_with_its_fields(value: Any) -> Any:
    """`value` with nothing behind its last field, and no list that could just be shorter."""
    match value:
        case CgmMeasurement(records=(first, *_)):
            return CgmMeasurement((replace(first, trailing=b""),))
        case HeartRate(rr_1024=tuple()):
            return replace(value, rr_1024=None)
        case _:
            return replace(value, trailing=b"")


@each_codec
@given(frame=st.binary(max_size=40))
def test_what_decodes_can_be_said_again(codec: Codec, frame: bytes) -> None:
    try:
        value = codec.decode(frame)
    except FrameError as error:
        assert error.frame == frame
        assert error.reason
    else:
        assert codec.decode(codec.encode(value)) == value


@each_codec
@given(data=st.data())
def test_what_decodes_is_frozen_and_what_its_class_makes(codec: Codec, data: st.DataObject) -> None:
    value = codec.decode(codec.encode(data.draw(codec.values)))
    plain = replace(value)
    assert type(value) is type(plain)
    assert (value, repr(value), hash(value)) == (plain, repr(plain), hash(plain))
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)


@each_codec
def test_the_sample_has_most_fields_and_nothing_behind_them(codec: Codec) -> None:
    value = codec.decode(codec.sample)
    told = describe(value)
    assert "trailing" not in told
    assert len(told) >= (len(fields(value)) - 1) // 2


@given(times)
def test_date_time_survives_the_way_back(value: DateTime) -> None:
    assert decode_date_time(encode_date_time(value)) == value


@given(current_times)
def test_current_time_survives_the_way_back(value: CurrentTime) -> None:
    assert decode_current_time(encode_current_time(value)) == value


@given(st.integers(0, 0xFF), st.integers(0, 0xFF), st.binary(max_size=18))
def test_record_request_survives_the_way_back(opcode: int, operator: int, rest: bytes) -> None:
    request = racp.Request(opcode, operator, rest)
    assert racp.decode_request(racp.encode_request(request)) == request


@given(
    st.builds(racp.Response, st.integers(0, 0xFF), st.integers(0, 0xFF))
    | st.builds(racp.Count, st.integers(0, 0xFFFF))
)
def test_record_answer_survives_the_way_back(answer: racp.Response | racp.Count) -> None:
    assert racp.decode_answer(racp.encode_answer(answer)) == answer


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**24 - 1))
def test_system_id_survives_the_way_back(manufacturer: int, organisation: int) -> None:
    value = SystemId(manufacturer, organisation)
    assert decode_system_id(encode_system_id(value)) == value


@given(st.integers(0, 0xFFFF))
def test_feature_survives_the_way_back(bits: int) -> None:
    assert decode_feature(encode_feature(bits)) == bits


def test_texts_lose_their_padding_and_nothing_else() -> None:
    assert decode_text(encode_text("BM85 血压计") + b"  \x00\x00") == "BM85 血压计"
    assert decode_text(b"\xff\xfe") == "\ufffd\ufffd"


@pytest.mark.parametrize(
    "decode",
    [
        decode_date_time,
        decode_current_time,
        decode_system_id,
        decode_feature,
        decode_battery,
        racp.decode_request,
        racp.decode_answer,
    ],
)
@given(frame=st.binary(max_size=40))
def test_any_bytes_decode_or_are_refused_with_the_bytes(
    decode: Callable[[bytes], object], frame: bytes
) -> None:
    try:
        decode(frame)
    except FrameError as error:
        assert error.frame == frame
        assert error.reason


@pytest.mark.parametrize("entry", VECTORS, ids=lambda e: f"{e['char']}-{e['hex']}")
def test_recorded_payloads(entry: dict[str, Any]) -> None:
    """Real payloads, each with its source; what the frame does not have is absent."""
    frame, expected = bytes.fromhex(entry["hex"]), entry["expect"]
    decode = beurer if "quirk" in expected else BY_NAME[entry["char"]].decode
    assert describe(decode(frame)) == expected


def test_the_beurer_quirk_leaves_a_standard_frame_alone() -> None:
    frame = BY_NAME["2A35"].sample
    assert beurer(frame) == decode_blood_pressure(frame)


def test_an_enhanced_frame_tells_both_of_its_clocks() -> None:
    value = decode_enhanced_blood_pressure(BY_NAME["2B34"].sample)
    assert describe(value) == {
        "unit": "mmHg",
        "systolic": 124.0,
        "diastolic": 86.0,
        "map": 97.0,
        "time": "2024-06-15T09:17:27",
        "pulse": 51.0,
        "user": 1,
        "status": 0,
        "user_time": "2024-06-15T17:17:27",
    }
    assert EpochTime(2**32 - 1, 1900).isoformat() == "2036-02-07T06:28:15"


def test_two_clocks_of_one_frame_count_from_one_year() -> None:
    value = EnhancedBloodPressure("mmHg", 124.0, 86.0, 97.0, EpochTime(1, 1900))
    with pytest.raises(EncodeError, match="1900, 2000"):
        encode_enhanced_blood_pressure(replace(value, user_time=EpochTime(1, 2000)))
    with pytest.raises(EncodeError, match="1970"):
        encode_enhanced_blood_pressure(replace(value, time=EpochTime(1, 1970)))


def test_heart_beats_fill_the_frame_and_a_cut_one_is_refused() -> None:
    frame = encode_heart_rate(HeartRate(75, rr_1024=(800, 810, 820)))
    for length in range(3, len(frame)):
        if length % 2:
            with pytest.raises(FrameError):
                decode_heart_rate(frame[:length])
        else:
            beats = decode_heart_rate(frame[:length]).rr_1024
            assert beats == (800, 810, 820)[: length // 2 - 1]


def test_a_failed_weighing_is_no_327_kg() -> None:
    assert decode_weight(b"\x00\xff\xff").weight is Special.NAN
    assert decode_weight(b"\x01\xff\xff").weight is Special.NAN


@pytest.mark.parametrize(
    ("encode", "value", "says"),
    [
        (encode_date_time, DateTime(70_000, 1, 1, 0, 0, 0), "does not fit"),
        (encode_blood_pressure, BloodPressure("mmHg", 123.456, 80.0, 90.0), "digits"),
        (encode_weight, Weight("kg", 70.001), "1/200"),
        (encode_weight, Weight("kg", 327.675), "failed weighing"),
        (encode_weight, Weight("kg", 400.0), "no room"),
        (encode_weight, Weight("kg", Special.NRES), "NRes"),
        (encode_heart_rate, HeartRate(70_000), "no room"),
        (encode_temperature, Temperature("C", 36.5, site=256), "no room"),
    ],
)
def test_what_a_frame_cannot_say_is_an_encode_error(
    encode: Callable[[Any], bytes], value: object, says: str
) -> None:
    with pytest.raises(EncodeError, match=says):
        encode(value)
