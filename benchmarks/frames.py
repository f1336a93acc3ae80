"""Frames decoded per second on one core, beside unpacking the same bytes and naming nothing."""

import struct
from collections.abc import Iterator

from table import Figure, rate

from yikao_devices.blood_pressure import decode_blood_pressure
from yikao_devices.glucose import decode_glucose

COUNT = 200_000
BLOOD_PRESSURE = bytes.fromhex("167c0056006100e807060f11111b33000000")
GLUCOSE = bytes.fromhex("1b0f00e807011e053a1b53016fb0f80000")


def figures() -> Iterator[Figure]:
    """Yield the codecs' figures."""
    for name, frame, decode, layout in (
        ("decode 2A35", BLOOD_PRESSURE, decode_blood_pressure, struct.Struct("<BHHHHBBBBBHH")),
        ("decode 2A18", GLUCOSE, decode_glucose, struct.Struct("<BHHBBBBBhHBH")),
    ):

        def ours(frame: bytes = frame, decode: object = decode) -> None:
            for _ in range(COUNT):
                decode(frame)  # type: ignore[operator]

        def bare(frame: bytes = frame, layout: struct.Struct = layout) -> None:
            for _ in range(COUNT):
                layout.unpack(frame)

        yield Figure(name, rate(COUNT, ours), "frames/s", "struct.unpack alone", rate(COUNT, bare))
