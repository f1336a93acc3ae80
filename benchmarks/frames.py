"""Frames decoded per second on one core, beside unpacking the same bytes and naming nothing."""

import struct
from collections.abc import Callable, Iterator

from table import Figure, rate

from yikao_devices.blood_pressure import decode_blood_pressure
from yikao_devices.cgm import CgmMeasurement, CgmRecord, decode_cgm_measurement
from yikao_devices.cgm import encode_cgm_measurement as encode_cgm
from yikao_devices.cuff_pressure import decode_cuff_pressure
from yikao_devices.enhanced_blood_pressure import (
    decode_enhanced_blood_pressure,
    decode_enhanced_cuff_pressure,
)
from yikao_devices.glucose import decode_glucose
from yikao_devices.glucose_context import decode_glucose_context
from yikao_devices.heart_rate import decode_heart_rate
from yikao_devices.pulse_oximeter import decode_continuous, decode_spot_check
from yikao_devices.temperature import decode_temperature
from yikao_devices.weight import decode_weight

COUNT = 200_000
_DATE = "HBBBBB"
_RECORD = CgmRecord(120.0, 65, status=2, trend=-1.5, quality=97.0)
_PROTECTED = encode_cgm(CgmMeasurement((CgmRecord(120.0, 65, trend=-1.5, protected=True),)))

FRAMES: tuple[tuple[str, str, Callable[[bytes], object], str], ...] = (
    ("2A35", "167c0056006100e807060f11111b33000000", decode_blood_pressure, f"HHH{_DATE}HH"),
    ("2A36", "1e7800ff07ff07e807060f11111b3300010000", decode_cuff_pressure, f"HHH{_DATE}HBH"),
    (
        "2B34",
        "7e7c0056006100a718002e33000100002789002e",
        decode_enhanced_blood_pressure,
        "HHHIHBHI",
    ),
    ("2B35", "7e7c00a718002e33000100002789002e", decode_enhanced_cuff_pressure, "HIHBHI"),
    ("2A18", "1b0f00e807011e053a1b53016fb0f80000", decode_glucose, f"H{_DATE}hHBH"),
    ("2A34", "ff0400010332f0011284035003e7b06ef0", decode_glucose_context, "HBBHBBHBBHH"),
    ("2A9D", "0eb036e807060f11111b05f500d606", decode_weight, f"H{_DATE}BHH"),
    ("2A1C", "06720100ffda070c120f000002", decode_temperature, f"I{_DATE}B"),
    ("2A5E", "0facf3bef5e8070b1d170839204022000066e3", decode_spot_check, f"HH{_DATE}HHBH"),
    ("2A5F", "1fdef3caf3caf35af5d4f3b2f220010000007ae3", decode_continuous, "HHHHHHHHBH"),
    ("2A37", "1e4b800020032a03", decode_heart_rate, "BHHH"),
    ("2AA7", encode_cgm(CgmMeasurement((_RECORD,))).hex(), decode_cgm_measurement, "BHHBHH"),
    ("2AA7 with its check sum", _PROTECTED.hex(), decode_cgm_measurement, "BHHHH"),
)
"""Characteristic, a frame with most of its fields, its decoder, what follows the flags."""


def figures() -> Iterator[Figure]:
    """Yield the codecs' figures."""
    for name, digits, decode, fields in FRAMES:
        frame, layout = bytes.fromhex(digits), struct.Struct(f"<B{fields}")

        def ours(frame: bytes = frame, decode: Callable[[bytes], object] = decode) -> None:
            for _ in range(COUNT):
                decode(frame)

        def bare(frame: bytes = frame, layout: struct.Struct = layout) -> None:
            for _ in range(COUNT):
                layout.unpack(frame)

        yield Figure(
            f"decode {name}",
            rate(COUNT, ours),
            "frames/s",
            "struct.unpack alone",
            rate(COUNT, bare),
        )
