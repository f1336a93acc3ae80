"""Listening to what streams: a chest strap, an oximeter on a finger, for a while at a time.

A stream ends when the device is taken off, which may be hours away, and a radio holds one
connection at a time. So it is listened to for two minutes at the longest, and left at once when
another device is heard that would not wait; it still advertises afterwards and is visited again.

Source: Heart Rate Profile 1.0, section 4; Pulse Oximeter Profile 1.0.1, section 4.
"""

from collections.abc import Generator
from typing import Final

from yikao_devices import gatt
from yikao_devices.conversation import (
    Answer,
    Disconnected,
    Effect,
    MayStay,
    Notification,
    Outcome,
    Refused,
    Silence,
    Subscribe,
    Talk,
    Wait,
)
from yikao_devices.cuff_talk import RECORDS_MAX
from yikao_devices.greeting import Greeting, greet
from yikao_devices.meter_talk import NOT_UNDERSTOOD, drain_all
from yikao_devices.model import Model
from yikao_devices.streams import STREAMS

STAY_MAX_S: Final = 120.0
"""Long enough that a whole minute of the clock lies within, wherever it begins."""


def read_strap(model: Model, present: frozenset[int], known: bool = False) -> Talk:
    """Listen to a strap for a while; the outcome counts its notifications."""
    greeting = yield from greet(model, present, known)
    if isinstance((yield Subscribe(gatt.HEART_RATE_MEASUREMENT)), Refused):
        return _end(greeting, 0, "subscribe_refused")
    heard = yield from _listen(model.quiet_s)
    return _end(greeting, heard)


def read_oximeter(model: Model, present: frozenset[int], known: bool = False) -> Talk:
    """Take what an oximeter has stored, then what it measures while we are there.

    It may have records (spot-checks), a stream, or both; records may be handed out only on
    request.
    """
    greeting = yield from greet(model, present, known)
    forms = {gatt.PLX_SPOT_CHECK_MEASUREMENT, gatt.PLX_CONTINUOUS_MEASUREMENT} & present
    subscribed: set[int] = set()
    for form in sorted(forms):
        if not isinstance((yield Subscribe(form)), Refused):
            subscribed.add(form)
    if not subscribed:
        return _end(greeting, 0, "subscribe_refused")
    records, problem = 0, None
    if gatt.PLX_SPOT_CHECK_MEASUREMENT in subscribed:
        records, problem = yield from _ask_for_records(present)
    streams = not STREAMS.isdisjoint(subscribed)
    heard = yield from (_listen if streams else _take)(model.quiet_s)
    return _end(greeting, records + heard, problem)


def _ask_for_records(
    present: frozenset[int],
) -> Generator[Effect, Answer, tuple[int, str | None]]:
    """Ask for stored records where the device can be asked; return how many, and what was wrong."""
    if gatt.RECORD_ACCESS_CONTROL_POINT not in present:
        return 0, None
    if isinstance((yield Subscribe(gatt.RECORD_ACCESS_CONTROL_POINT)), Refused):
        return 0, "subscribe_refused"
    drained = yield from drain_all()
    return drained.records, None if drained.outcome in NOT_UNDERSTOOD else drained.problem


def _listen(quiet_s: float) -> Generator[Effect, Answer, int]:
    """Count what comes until the device is silent or gone, or our time with it is over."""
    heard = 0
    while (yield MayStay(STAY_MAX_S)):
        match (yield Wait(quiet_s)):
            case Notification():
                heard += 1
            case Silence() | Disconnected():
                break
    return heard


def _take(quiet_s: float) -> Generator[Effect, Answer, int]:
    """Count records that come by themselves until the device is silent or gone."""
    for heard in range(RECORDS_MAX):
        if not isinstance((yield Wait(quiet_s)), Notification):
            return heard
    return RECORDS_MAX


def _end(greeting: Greeting, heard: int, problem: str | None = None) -> Outcome:
    return Outcome(greeting.identity, greeting.battery_pct, heard, problem)
