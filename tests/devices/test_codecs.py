"""Every codec both ways: what is encoded decodes to itself, and no bytes do more than refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from frames import blood_pressures, contexts, current_times, glucoses, times
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices import racp
from yikao_devices.blood_pressure import (
    BloodPressure,
    decode_blood_pressure,
    encode_blood_pressure,
)
from yikao_devices.date_time import (
    CurrentTime,
    DateTime,
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
from yikao_devices.errors import EncodeError, FrameError
from yikao_devices.features import decode_feature, encode_feature
from yikao_devices.glucose import Glucose, decode_glucose, encode_glucose
from yikao_devices.glucose_context import (
    GlucoseContext,
    decode_glucose_context,
    encode_glucose_context,
)
from yikao_devices.quirks import Quirk

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "gatt_vectors.json").read_text("utf-8")
)
BEURER = Quirk.BEURER_BE


@given(blood_pressures())
def test_blood_pressure_survives_the_way_back(value: BloodPressure) -> None:
    assert decode_blood_pressure(encode_blood_pressure(value), value.quirk) == value


@given(glucoses())
def test_glucose_survives_the_way_back(value: Glucose) -> None:
    assert decode_glucose(encode_glucose(value)) == value


@given(contexts())
def test_context_survives_the_way_back(value: GlucoseContext) -> None:
    assert decode_glucose_context(encode_glucose_context(value)) == value


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


DECODERS: list[Callable[[bytes], object]] = [
    decode_blood_pressure,
    lambda frame: decode_blood_pressure(frame, BEURER),
    decode_glucose,
    decode_glucose_context,
    decode_date_time,
    decode_current_time,
    decode_system_id,
    decode_feature,
    decode_battery,
    racp.decode_request,
    racp.decode_answer,
]


@given(st.binary(max_size=40))
def test_any_bytes_decode_or_are_refused_with_the_bytes(frame: bytes) -> None:
    for decode in DECODERS:
        try:
            decode(frame)
        except FrameError as error:
            assert error.frame == frame
            assert error.reason


@given(st.binary(max_size=40))
def test_what_decodes_can_be_said_again(frame: bytes) -> None:
    ways: list[tuple[Callable[[bytes], Any], Callable[[Any], bytes]]] = [
        (decode_blood_pressure, encode_blood_pressure),
        (decode_glucose, encode_glucose),
        (decode_glucose_context, encode_glucose_context),
    ]
    for decode, encode in ways:
        try:
            value = decode(frame)
        except FrameError:
            continue
        assert decode(encode(value)) == value


@pytest.mark.parametrize("length", range(7))
def test_a_frame_that_ends_early_is_refused(length: int) -> None:
    frame = bytes.fromhex("167c0056006100e807060f11111b33000000")[:length]
    with pytest.raises(FrameError, match="ends before"):
        decode_blood_pressure(frame)


@pytest.mark.parametrize("entry", VECTORS, ids=lambda e: f"{e['char']}-{e['hex']}")
def test_recorded_payloads(entry: dict[str, Any]) -> None:
    """Real payloads, each with its source; what the frame does not have is absent."""
    frame, expected = bytes.fromhex(entry["hex"]), entry["expect"]
    quirk = BEURER if "quirk" in expected else None
    decode: dict[str, Callable[[bytes], object]] = {
        "2A35": lambda f: decode_blood_pressure(f, quirk),
        "2A18": decode_glucose,
        "2A34": decode_glucose_context,
    }
    assert describe(decode[entry["char"]](frame)) == pytest.approx(expected, abs=1e-9)


def test_the_beurer_quirk_leaves_a_standard_frame_alone() -> None:
    frame = bytes.fromhex("167c0056006100e807060f11111b33000000")
    assert decode_blood_pressure(frame, BEURER) == decode_blood_pressure(frame)


def test_what_a_frame_cannot_say_is_an_encode_error() -> None:
    with pytest.raises(EncodeError, match="does not fit"):
        encode_date_time(DateTime(70_000, 1, 1, 0, 0, 0))
    with pytest.raises(EncodeError, match="digits"):
        encode_blood_pressure(BloodPressure("mmHg", 123.456, 80.0, 90.0))
