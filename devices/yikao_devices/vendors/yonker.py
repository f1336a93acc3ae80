"""Yonker cuffs (YK-IBPA1, YK-BPW5, also sold as Yongrow and Metiko): a result of 15 bytes.

| byte | is |
| --- | --- |
| 0 | 0x80 while it measures, 0x81 for a result |
| 1, 2, 3 | systolic and diastolic in mmHg, pulse per minute |
| 4, 5 | 0 in every frame that was published; kept, not read |
| 6, 7, 8, 9, 10 | day, month, year since 2000, hour, minute |
| 11 to 14 | 0; kept, not read |

Its clock cannot be set and was seen years off, so the time only tells one record from another.
Pulse oximeters of the vendor use the same characteristic and first byte with fewer bytes behind
it: only the whole 15 are a blood pressure.

Source: github.com/derdilla/blood-pressure-monitor-fl, issue 615 and yonker_measurement_data.dart.
"""

from typing import Final

from yikao_devices import gatt
from yikao_devices.blood_pressure import BloodPressure
from yikao_devices.conversation import Talk
from yikao_devices.cuff_talk import read_stored
from yikao_devices.date_time import DateTime
from yikao_devices.dialect import Dialect
from yikao_devices.errors import EncodeError, FrameError
from yikao_devices.model import Model
from yikao_devices.packing import pack
from yikao_devices.sfloat import Number, Special

MEASURING: Final = 0x80
RESULT: Final = 0x81
RESULT_BYTES: Final = 15
_CENTURY: Final = 2000


def decode_result(frame: bytes) -> BloodPressure:
    """Return the result in `frame`; refuses any other length or first byte with `FrameError`.

    The mean pressure is not sent: `Special.NAN`. Bytes without a known meaning are `trailing`.
    """
    if len(frame) != RESULT_BYTES or frame[0] != RESULT:
        raise FrameError(f"a result begins with 81 and has {RESULT_BYTES} bytes", frame)
    systolic, diastolic, pulse = (float(byte) for byte in frame[1:4])
    day, month, year, hour, minute = frame[6:11]
    time = DateTime(_CENTURY + year, month, day, hour, minute, 0)
    unread = frame[4:6] + frame[11:]
    return BloodPressure("mmHg", systolic, diastolic, Special.NAN, time, pulse, trailing=unread)


def encode_result(value: BloodPressure) -> bytes:
    """Return the frame that decodes to `value`; refuses with `EncodeError` what has no room."""
    time = value.time
    if time is None:
        raise EncodeError("a result has a time")
    numbers = [_whole(each) for each in (value.systolic, value.diastolic, value.pulse)]
    when = (time.day, time.month, time.year - _CENTURY, time.hour, time.minute)
    unread = value.trailing or bytes(6)
    head = pack("<4B", RESULT, *numbers)
    return head + unread[:2] + pack("<5B", *when) + unread[2:]


def _whole(value: Number | None) -> int:
    if not isinstance(value, float):
        raise EncodeError("a result has three numbers")
    return int(value)


class Results:
    """Each result is complete in its frame; what comes while it measures is none."""

    rest = b""

    def feed(self, frame: bytes) -> list[tuple[BloodPressure, bytes]]:
        if frame[:1] == bytes((MEASURING,)):
            return []
        return [(decode_result(frame), frame)]


def _talk(model: Model, present: frozenset[int], known: bool) -> Talk:
    return read_stored(model, present, known, gatt.YONKER_MEASUREMENT)


DIALECT: Final = Dialect(frozenset({gatt.YONKER_MEASUREMENT}), Results, _talk)
