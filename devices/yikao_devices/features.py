"""What a cuff or meter says it can do: Blood Pressure Feature (0x2A49), Glucose Feature (0x2A51).

Source: Bluetooth SIG, Blood Pressure Service 1.1.1, section 3.3; Glucose Service 1.0.1,
section 3.3.
"""

import struct
from enum import IntFlag

from yikao_devices.errors import FrameError


class BloodPressureFeature(IntFlag):
    """Supported features of a cuff; reserved bits are kept."""

    BODY_MOVEMENT = 0x0001
    CUFF_FIT = 0x0002
    IRREGULAR_PULSE = 0x0004
    PULSE_RANGE = 0x0008
    MEASUREMENT_POSITION = 0x0010
    MULTIPLE_BONDS = 0x0020
    E2E_CRC = 0x0040
    USER_DATA_SERVICE = 0x0080
    USER_FACING_TIME = 0x0100


class GlucoseFeature(IntFlag):
    """Supported features of a meter; reserved bits are kept."""

    BATTERY_LOW = 0x0001
    MALFUNCTION = 0x0002
    SAMPLE_SIZE = 0x0004
    STRIP_INSERTION = 0x0008
    STRIP_TYPE = 0x0010
    HIGH_LOW = 0x0020
    TEMPERATURE = 0x0040
    READ_INTERRUPT = 0x0080
    GENERAL_FAULT = 0x0100
    TIME_FAULT = 0x0200
    MULTIPLE_BONDS = 0x0400


def decode_feature(frame: bytes) -> int:
    """Return the 16 feature bits; refuses fewer than 2 bytes with `FrameError`."""
    if len(frame) < 2:
        raise FrameError(f"a feature has 2 bytes, not {len(frame)}", frame)
    return int.from_bytes(frame[:2], "little")


def encode_feature(bits: int) -> bytes:
    """Return the 2 bytes of the feature bits."""
    return struct.pack("<H", bits)
