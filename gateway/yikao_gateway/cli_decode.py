"""`yikao-gateway decode`: one frame as JSON, for those who look at a device's bytes."""

import argparse
import sys
from collections.abc import Callable
from enum import IntFlag
from typing import Any, Final

from msgspec import json

from yikao_devices import gatt
from yikao_devices.blood_pressure import decode_blood_pressure
from yikao_devices.cgm import CgmFeatureBit, decode_cgm_feature, decode_cgm_measurement
from yikao_devices.cuff_pressure import decode_cuff_pressure
from yikao_devices.date_time import decode_current_time, decode_date_time
from yikao_devices.describe import describe
from yikao_devices.device_information import (
    TEXT_CHARACTERISTICS,
    decode_battery,
    decode_system_id,
    decode_text,
)
from yikao_devices.enhanced_blood_pressure import (
    decode_enhanced_blood_pressure,
    decode_enhanced_cuff_pressure,
)
from yikao_devices.errors import FrameError
from yikao_devices.features import BloodPressureFeature, GlucoseFeature, decode_feature
from yikao_devices.glucose import decode_glucose
from yikao_devices.glucose_context import decode_glucose_context
from yikao_devices.heart_rate import decode_heart_rate
from yikao_devices.models import CATALOGUE, model_named
from yikao_devices.pulse_oximeter import decode_continuous, decode_spot_check
from yikao_devices.quirks import Quirk
from yikao_devices.racp import decode_answer
from yikao_devices.temperature import decode_temperature
from yikao_devices.weight import decode_weight

Decode = Callable[[bytes, Quirk | None], dict[str, Any]]

_FRAMES: Final[dict[int, Callable[[bytes], Any]]] = {
    gatt.TEMPERATURE_MEASUREMENT: decode_temperature,
    gatt.INTERMEDIATE_TEMPERATURE: decode_temperature,
    gatt.GLUCOSE_MEASUREMENT: decode_glucose,
    gatt.SYSTEM_ID: decode_system_id,
    gatt.GLUCOSE_MEASUREMENT_CONTEXT: decode_glucose_context,
    gatt.INTERMEDIATE_CUFF_PRESSURE: decode_cuff_pressure,
    gatt.HEART_RATE_MEASUREMENT: decode_heart_rate,
    gatt.RECORD_ACCESS_CONTROL_POINT: decode_answer,
    gatt.PLX_SPOT_CHECK_MEASUREMENT: decode_spot_check,
    gatt.PLX_CONTINUOUS_MEASUREMENT: decode_continuous,
    gatt.WEIGHT_MEASUREMENT: decode_weight,
    gatt.CGM_MEASUREMENT: decode_cgm_measurement,
    gatt.ENHANCED_BLOOD_PRESSURE_MEASUREMENT: decode_enhanced_blood_pressure,
    gatt.ENHANCED_INTERMEDIATE_CUFF_PRESSURE: decode_enhanced_cuff_pressure,
}
"""Characteristics whose fields are shown as they are decoded."""


def _described(decode: Callable[[bytes], Any]) -> Decode:
    return lambda frame, _: describe(decode(frame))


def _current_time(frame: bytes) -> dict[str, Any]:
    value = decode_current_time(frame)
    return {
        "time": value.date_time.isoformat(),
        "weekday": value.weekday,
        "fraction": value.fraction,
        "reason": value.reason,
    }


def _named_bits(names: type[IntFlag], bits: int) -> dict[str, Any]:
    named = [str(each.name).lower() for each in names if bits & each.value]
    return {"bits": bits, "features": named}


def _cgm_feature(frame: bytes) -> dict[str, Any]:
    value = decode_cgm_feature(frame)
    return describe(value) | _named_bits(CgmFeatureBit, value.bits)


def _named_text(name: str) -> Decode:
    return lambda frame, _: {name: decode_text(frame)}


DECODERS: Final[dict[int, Decode]] = {
    **{short: _described(decode) for short, decode in _FRAMES.items()},
    **{short: _named_text(name) for short, name in TEXT_CHARACTERISTICS.items()},
    gatt.DATE_TIME: lambda f, _: {"time": decode_date_time(f).isoformat()},
    gatt.BATTERY_LEVEL: lambda f, _: {"battery_pct": decode_battery(f)},
    gatt.CURRENT_TIME: lambda f, _: _current_time(f),
    gatt.BLOOD_PRESSURE_MEASUREMENT: lambda f, quirk: describe(decode_blood_pressure(f, quirk)),
    gatt.BLOOD_PRESSURE_FEATURE: lambda f, _: _named_bits(BloodPressureFeature, decode_feature(f)),
    gatt.GLUCOSE_FEATURE: lambda f, _: _named_bits(GlucoseFeature, decode_feature(f)),
    gatt.CGM_FEATURE: lambda f, _: _cgm_feature(f),
}
KNOWN: Final = ", ".join(map(gatt.hex16, sorted(DECODERS)))


def run(arguments: argparse.Namespace) -> int:
    """Print the frame; return the exit code."""
    try:
        decode, frame, quirk = _parse(arguments)
    except ValueError as error:
        print(f"yikao-gateway decode: {error}", file=sys.stderr)
        return 2
    try:
        print(json.encode(decode(frame, quirk)).decode())
    except FrameError as error:
        print(json.encode({"error": error.reason, "frame": error.frame.hex()}).decode())
        return 1
    return 0


def _parse(arguments: argparse.Namespace) -> tuple[Decode, bytes, Quirk | None]:
    """Return what to decode and how; refuses with `ValueError`, a sentence for the user."""
    name: str = arguments.characteristic.removeprefix("0x")
    try:
        decode = DECODERS[int(name, 16)]
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{arguments.characteristic!r} is no characteristic this decodes: {KNOWN}"
        ) from error
    digits = arguments.hex.translate({ord(mark): None for mark in " :-"}).removeprefix("0x")
    try:
        frame = bytes.fromhex(digits)
    except ValueError as error:
        raise ValueError(
            f"{arguments.hex!r} is no frame: two hexadecimal digits for each byte"
        ) from error
    if arguments.model is None:
        return decode, frame, None
    model = model_named(arguments.model)
    if model is None:
        known = ", ".join(each.name for each in CATALOGUE)
        raise ValueError(f"no model is called {arguments.model!r}: {known}")
    return decode, frame, model.quirk
