"""Emptying a blood-pressure cuff: subscribe, and take what it indicates until it falls silent.

A cuff sends its stored measurements by itself as soon as they are subscribed, newest or oldest
first, and then disconnects or says no more; both are the normal end.

Source: Blood Pressure Profile 1.1.1, section 4.
"""

from typing import Final

from yikao_devices import gatt
from yikao_devices.clock_rules import omron_told
from yikao_devices.conversation import (
    Disconnected,
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
"""No cuff stores more; one that never falls silent is left after so many."""


def read_cuff(
    model: Model,
    present: frozenset[int],
    known: bool = False,
    measurement: int = gatt.BLOOD_PRESSURE_MEASUREMENT,
) -> Talk:
    """Drain a cuff that tells its measurements under `measurement`; the outcome counts them."""
    greeting = yield from greet(model, present, known)
    records, problem, clock_due = 0, None, greeting.clock_due
    answer = yield Subscribe(measurement)
    if isinstance(answer, Refused):
        return Outcome(greeting.identity, greeting.battery_pct, 0, "subscribe_refused")
    while records < RECORDS_MAX:
        match (yield Wait(model.quiet_s)):
            case Notification(found) if found == measurement:
                records += 1
            case Notification(gatt.CURRENT_TIME, frame) if clock_due:
                clock_due = False
                yield from omron_told(frame)
            case Silence() | Disconnected():
                break
    else:
        problem = "never_silent"
    return Outcome(greeting.identity, greeting.battery_pct, records, problem)
