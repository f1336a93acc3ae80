"""The part of a conversation that every device shares: who are you, how full is your battery,
what time do you think it is?

Source: Device Information Service 1.1, Battery Service 1.1; for the clock `clock_rules.py`.
"""

from collections.abc import Generator
from dataclasses import dataclass

from yikao_devices import gatt
from yikao_devices.clock_rules import mind_clock
from yikao_devices.conversation import Answer, Effect, Pause, Read
from yikao_devices.device_information import TEXT_CHARACTERISTICS, decode_battery, decode_text
from yikao_devices.errors import FrameError
from yikao_devices.model import Model


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the device said of itself; `clock_due`: its clock may be set when it tells the time."""

    identity: dict[str, str]
    battery_pct: int | None
    clock_due: bool = False


def greet(
    model: Model, present: frozenset[int], known: bool
) -> Generator[Effect, Answer, Greeting]:
    """Return who the device is, after its clock has been compared and, by rule, set.

    present: the characteristics it has. known: its names were read before, so only the clock
    and the battery are asked: a cuff is awake for seconds only.
    """
    if model.settle_s:
        yield Pause(model.settle_s)
    clock_due = yield from mind_clock(model.clock, present)
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
    return Greeting(identity, battery, clock_due)


def _battery(frame: bytes) -> int | None:
    try:
        return decode_battery(frame)
    except FrameError:
        return None
