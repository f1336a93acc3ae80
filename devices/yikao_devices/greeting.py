"""The part of a conversation that every device shares: who are you, how full is your battery,
what time do you think it is?

Source: Current Time Service 1.1, Device Information Service 1.1, Battery Service 1.1.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime

from yikao_devices import gatt
from yikao_devices.clocks import offset_s
from yikao_devices.conversation import Answer, AskTime, ClockCompared, Effect, Pause, Read, Write
from yikao_devices.date_time import (
    DateTime,
    current_time_of,
    date_time_of,
    decode_current_time,
    decode_date_time,
    encode_current_time,
    encode_date_time,
)
from yikao_devices.device_information import TEXT_CHARACTERISTICS, decode_battery, decode_text
from yikao_devices.errors import FrameError
from yikao_devices.models import CLOCK_SET_ABOVE_S, ClockRule, Model


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the device said of itself."""

    identity: dict[str, str]
    battery_pct: int | None


def greet(
    model: Model, present: frozenset[int], known: bool
) -> Generator[Effect, Answer, Greeting]:
    """Return who the device is, after its clock has been compared and, by rule, set.

    present: the characteristics it has. known: its names were read before, so only the clock
    and the battery are asked: a cuff is awake for seconds only.
    """
    if model.settle_s:
        yield Pause(model.settle_s)
    yield from _compare_clock(model, present)
    identity: dict[str, str] = {}
    for characteristic, name in TEXT_CHARACTERISTICS.items():
        if characteristic in present and not known:
            answer = yield Read(characteristic)
            if isinstance(answer, bytes):
                identity[name] = decode_text(answer)
    battery = None
    if gatt.BATTERY_LEVEL in present:
        answer = yield Read(gatt.BATTERY_LEVEL)
        if isinstance(answer, bytes):
            battery = _battery(answer)
    return Greeting(identity, battery)


def _compare_clock(model: Model, present: frozenset[int]) -> Generator[Effect, Answer, None]:
    """Measure the offset, then set the clock: records already stored were dated by the old one."""
    for characteristic in (gatt.CURRENT_TIME, gatt.DATE_TIME):
        if characteristic not in present:
            continue
        answer = yield Read(characteristic)
        now = yield AskTime()
        assert isinstance(now, datetime), "AskTime is answered with the time"
        offset = _offset(characteristic, answer, now)
        if offset is not None:
            yield ClockCompared(offset)
        if model.clock is ClockRule.SET and (offset is None or abs(offset) > CLOCK_SET_ABOVE_S):
            # A device that does not let its clock be written refuses; the offset still corrects.
            yield Write(characteristic, _clock_bytes(characteristic, now))
        return


def _offset(characteristic: int, answer: Answer, now: datetime) -> float | None:
    if not isinstance(answer, bytes):
        return None
    try:
        return offset_s(_clock_of(characteristic, answer), now)
    except FrameError:
        return None


def _clock_of(characteristic: int, frame: bytes) -> DateTime:
    if characteristic == gatt.CURRENT_TIME:
        return decode_current_time(frame).date_time
    return decode_date_time(frame)


def _clock_bytes(characteristic: int, now: datetime) -> bytes:
    if characteristic == gatt.CURRENT_TIME:
        return encode_current_time(current_time_of(now))
    return encode_date_time(date_time_of(now))


def _battery(frame: bytes) -> int | None:
    try:
        return decode_battery(frame)
    except FrameError:
        return None
