"""`yikao-gateway decode`: one frame as JSON, for those who look at a device's bytes."""

import argparse
import sys
from collections.abc import Callable
from typing import Any, Final

from msgspec import json

from yikao_devices import gatt
from yikao_devices.blood_pressure import decode_blood_pressure
from yikao_devices.date_time import decode_current_time, decode_date_time
from yikao_devices.describe import describe
from yikao_devices.errors import FrameError
from yikao_devices.features import BloodPressureFeature, GlucoseFeature, decode_feature
from yikao_devices.glucose import decode_glucose
from yikao_devices.glucose_context import decode_glucose_context
from yikao_devices.models import CATALOGUE, model_named
from yikao_devices.quirks import Quirk
from yikao_devices.racp import decode_answer

Decode = Callable[[bytes, Quirk | None], dict[str, Any]]


def _current_time(frame: bytes) -> dict[str, Any]:
    value = decode_current_time(frame)
    return {
        "time": value.date_time.isoformat(),
        "weekday": value.weekday,
        "fraction": value.fraction,
        "reason": value.reason,
    }


def _feature(
    names: type[BloodPressureFeature] | type[GlucoseFeature], frame: bytes
) -> dict[str, Any]:
    bits = decode_feature(frame)
    return {
        "bits": bits,
        "features": [str(each.name).lower() for each in names if bits & each.value],
    }


DECODERS: Final[dict[int, Decode]] = {
    gatt.BLOOD_PRESSURE_MEASUREMENT: lambda f, quirk: describe(decode_blood_pressure(f, quirk)),
    gatt.GLUCOSE_MEASUREMENT: lambda f, _: describe(decode_glucose(f)),
    gatt.GLUCOSE_MEASUREMENT_CONTEXT: lambda f, _: describe(decode_glucose_context(f)),
    gatt.RECORD_ACCESS_CONTROL_POINT: lambda f, _: describe(decode_answer(f)),
    gatt.DATE_TIME: lambda f, _: {"time": decode_date_time(f).isoformat()},
    gatt.CURRENT_TIME: lambda f, _: _current_time(f),
    gatt.BLOOD_PRESSURE_FEATURE: lambda f, _: _feature(BloodPressureFeature, f),
    gatt.GLUCOSE_FEATURE: lambda f, _: _feature(GlucoseFeature, f),
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
