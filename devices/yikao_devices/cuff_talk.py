"""Emptying a cuff, scale or thermometer: subscribe, and take what it indicates until it is silent.

Such a device sends its stored measurements by itself as soon as they are subscribed, newest or
oldest first, and then disconnects or says no more; both are the normal end. A cuff that has its
measurements in both forms is subscribed in the newer one only, or it would send each twice.

Source: Blood Pressure Profile 1.1.1, section 4; Weight Scale Profile 1.0.1, section 4; Health
Thermometer Profile 1.0.1, section 4.
"""

from collections.abc import Generator
from typing import Final

from yikao_devices import gatt
from yikao_devices.clock_rules import omron_told
from yikao_devices.conversation import (
    Answer,
    Disconnected,
    Effect,
    Notification,
    Outcome,
    Refused,
    Silence,
    Subscribe,
    Talk,
    Wait,
)
from yikao_devices.greeting import greet
from yikao_devices.model import Model

RECORDS_MAX: Final = 1000
"""No such device stores more; one that never falls silent is left after so many."""


def read_cuff(model: Model, present: frozenset[int], known: bool = False) -> Talk:
    """Drain a blood-pressure cuff; the outcome counts its records."""
    enhanced = gatt.ENHANCED_BLOOD_PRESSURE_MEASUREMENT in present
    newer = (gatt.ENHANCED_BLOOD_PRESSURE_MEASUREMENT,) if enhanced else ()
    return read_stored(model, present, known, *newer, gatt.BLOOD_PRESSURE_MEASUREMENT)


def read_stored(model: Model, present: frozenset[int], known: bool, *measurements: int) -> Talk:
    """Drain a device that indicates what it has stored, under the first of `measurements` that it
    lets us subscribe; the outcome counts its records."""
    greeting = yield from greet(model, present, known)
    records, problem, clock_due = 0, None, greeting.clock_due
    subscribed = yield from _subscribe(measurements)
    if subscribed is None:
        return Outcome(greeting.identity, greeting.battery_pct, 0, "subscribe_refused")
    while records < RECORDS_MAX:
        match (yield Wait(model.quiet_s)):
            case Notification(found) if found == subscribed:
                records += 1
            case Notification(gatt.CURRENT_TIME, frame) if clock_due:
                clock_due = False
                yield from omron_told(frame)
            case Silence() | Disconnected():
                break
    else:
        problem = "never_silent"
    return Outcome(greeting.identity, greeting.battery_pct, records, problem)


def _subscribe(measurements: tuple[int, ...]) -> Generator[Effect, Answer, int | None]:
    """Return which of `measurements` is subscribed now, None when all are refused."""
    for measurement in measurements:
        if not isinstance((yield Subscribe(measurement)), Refused):
            return measurement
    return None
