"""A device's clock: how far it is off, and how it may be set, by the rule of its model.

The offset is measured before anything is set, because the records already stored were dated by
the clock as it was. Vendors leave the Current Time Service in ways that were met and written down
in public; each rule names its source. A device that refuses to be set costs nothing: the offset
still corrects its records.

Source of the standard part: Current Time Service 1.1; GATT Specification Supplement, 3.60 Current
Time and 3.69 Date Time.
"""

import struct
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Final

from yikao_devices import gatt
from yikao_devices.clocks import offset_s
from yikao_devices.conversation import (
    Answer,
    AskTime,
    ClockCompared,
    ClockWillBeSet,
    Disconnected,
    Effect,
    Notification,
    Read,
    Refused,
    Silence,
    Subscribe,
    Wait,
    Write,
)
from yikao_devices.date_time import (
    DateTime,
    current_time_of,
    date_time_of,
    decode_current_time,
    decode_date_time,
    encode_current_time,
    encode_date_time,
    read_date_time,
)
from yikao_devices.errors import FrameError
from yikao_devices.model import ClockRule

CLOCK_SET_ABOVE_S: Final = 10.0
OMRON_SET_ABOVE_S: Final = 600.0
"""An Omron takes the time only when its clock is further off.
Source: github.com/weliem/blessed-android, BluetoothHandler.java."""
OMRON_TELLS_S: Final = 1.0
"""How long its first Current Time is waited for before the measurements; it may come later too."""
CARESENS_TELLS_S: Final = 5.0
"""Source: github.com/tidepool-org/uploader, bluetoothLEDriver.js."""
ELSE_MAX: Final = 100
"""Notifications that may come before the one waited for: each is stored, none is the answer."""

CARESENS_CLOCKS: Final = (0xFFF1, gatt.CARESENS_CLOCK)
"""Older and newer meters. Source: the same file."""
_CARESENS_HEAD: Final = b"\xc0\x03\x01\x00"
CARESENS_ASK: Final = _CARESENS_HEAD + bytes(7)
"""All zeros instead of a time: the meter notifies its own. Source: the same file."""

Part = Generator[Effect, Answer, None]
Clock = Generator[Effect, Answer, float | None]
"""A part whose value is the device's clock minus ours in seconds, None where it is unknown."""


def mind_clock(rule: ClockRule, present: frozenset[int]) -> Generator[Effect, Answer, bool]:
    """Compare the clock and, by `rule`, set it; return whether it may still be set later on.

    present: the characteristics that the device has.
    """
    match rule:
        case ClockRule.COMPARE:
            yield from _compare(present)
        case ClockRule.SET:
            yield from _set_when_wrong(present)
        case ClockRule.DATE_TIME_2A08:
            yield from _compare(present & {gatt.DATE_TIME})
        case ClockRule.OMRON_FIRST_NOTIFICATION:
            return (yield from _omron(present))
        case ClockRule.CONTOUR_1026:
            yield from _contour(present)
        case ClockRule.CARESENS_FFF1:
            yield from _caresens(present)
        case ClockRule.NONE:
            pass
    return False


# The standard

_FORMS: Final[dict[int, tuple[Callable[[bytes], DateTime], Callable[[datetime], bytes]]]] = {
    gatt.CURRENT_TIME: (
        lambda frame: decode_current_time(frame).date_time,
        lambda now: encode_current_time(current_time_of(now)),
    ),
    gatt.DATE_TIME: (decode_date_time, lambda now: encode_date_time(date_time_of(now))),
}
"""Where a clock is kept, in the order of preference: how it is read, and how it is written."""


def _place(present: frozenset[int]) -> int | None:
    return next((each for each in _FORMS if each in present), None)


def _compare(present: frozenset[int]) -> Clock:
    place = _place(present)
    if place is None:
        return None
    answer = yield Read(place)
    return (yield from _told(answer, _FORMS[place][0]))


def _set_when_wrong(present: frozenset[int]) -> Part:
    offset = yield from _compare(present)
    place = _place(present)
    if place is not None and _is_wrong(offset):
        yield from _set(place, _FORMS[place][1])


def _set(place: int, encode: Callable[[datetime], bytes]) -> Part:
    yield ClockWillBeSet()
    now = yield from _now()
    yield Write(place, encode(now))


def _told(answer: Answer, decode: Callable[[bytes], DateTime]) -> Clock:
    """Take note of the clock in `answer`, when it is one."""
    now = yield from _now()
    try:
        offset = offset_s(decode(answer), now) if isinstance(answer, bytes) else None
    except FrameError:
        return None
    if offset is not None:
        yield ClockCompared(offset)
    return offset


def _now() -> Generator[Effect, Answer, datetime]:
    now = yield AskTime()
    assert isinstance(now, datetime), "AskTime is answered with the time"
    return now


def _is_wrong(offset: float | None) -> bool:
    return offset is None or abs(offset) > CLOCK_SET_ABOVE_S


def _notified(characteristic: int, timeout_s: float) -> Generator[Effect, Answer, bytes | None]:
    """Return what the device notifies next under `characteristic`, None when it does not."""
    for _ in range(ELSE_MAX):
        match (yield Wait(timeout_s)):
            case Notification(found, frame) if found == characteristic:
                return frame
            case Silence() | Disconnected():
                break
    return None


# Omron


def _omron(present: frozenset[int]) -> Generator[Effect, Answer, bool]:
    """Return True when the first notification has not come yet: the cuff may send it with its
    measurements, and `omron_told` is then the last chance.

    Source: github.com/StanfordSpezi/SpeziDevices, OmronReverseEngineering.md, "Time
    Synchronization"; github.com/weliem/blessed-android, BluetoothHandler.java.
    """
    yield from _compare(present & {gatt.CURRENT_TIME})
    if gatt.CURRENT_TIME not in present:
        return False
    refused = yield Subscribe(gatt.CURRENT_TIME)
    if isinstance(refused, Refused):
        return False
    frame = yield from _notified(gatt.CURRENT_TIME, OMRON_TELLS_S)
    if frame is None:
        return True
    yield from omron_told(frame)
    return False


def omron_told(frame: bytes) -> Part:
    """Answer the first Current Time of an Omron: the one moment at which it takes ours."""
    decode, encode = _FORMS[gatt.CURRENT_TIME]
    try:
        unset = decode(frame).to_datetime() is None
    except FrameError:
        return
    offset = yield from _told(frame, decode)
    if unset or (offset is not None and abs(offset) > OMRON_SET_ABOVE_S):
        yield from _set(gatt.CURRENT_TIME, encode)


# Ascensia Contour

_CONTOUR: Final = struct.Struct("<B7sh")


def contour_time(now: datetime) -> bytes:
    """Return the command: 1, the time in UTC, and the zone's signed minutes, summer time included.

    Source: github.com/weliem/blessed-android, BluetoothHandler.java, `writeContourClock`.
    """
    zone = now.utcoffset()
    assert zone is not None, "the gateway's time carries its zone"
    utc = encode_date_time(date_time_of(now.astimezone(UTC)))
    return _CONTOUR.pack(1, utc, int(zone.total_seconds()) // 60)


def _contour(present: frozenset[int]) -> Part:
    offset = yield from _compare(present)
    if gatt.CONTOUR_CLOCK in present and _is_wrong(offset):
        yield Subscribe(gatt.CONTOUR_CLOCK)
        yield from _set(gatt.CONTOUR_CLOCK, contour_time)


# i-SENS CareSens


def caresens_time(now: datetime) -> bytes:
    """Return the command that sets the clock to the home's wall clock.

    Source: github.com/NightscoutFoundation/xDrip, caresens/TimeTx.java and its test.
    """
    return _CARESENS_HEAD + encode_date_time(date_time_of(now))


def _caresens(present: frozenset[int]) -> Part:
    """Ask, compare, set: twice, as xDrip does, because meters were seen to miss the first.

    Source: xDrip, BluetoothGlucoseMeter.java; tidepool-org/uploader, bluetoothLEDriver.js.
    """
    place = next((each for each in CARESENS_CLOCKS if each in present), None)
    if place is None:
        return
    yield Subscribe(place)
    refused = yield Write(place, CARESENS_ASK)
    frame = None
    if not isinstance(refused, Refused):
        frame = yield from _notified(place, CARESENS_TELLS_S)
    head = len(_CARESENS_HEAD)
    offset = yield from _told(frame, lambda answer: read_date_time(answer, head))
    if _is_wrong(offset):
        for _ in range(2):
            yield from _set(place, caresens_time)
