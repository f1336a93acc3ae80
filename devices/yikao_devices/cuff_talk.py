"""Emptying a blood-pressure cuff: subscribe, and take what it indicates until it falls silent.

A cuff sends its stored measurements by itself as soon as they are subscribed, newest or oldest
first, and then disconnects or says no more; both are the normal end.

Source: Blood Pressure Profile 1.1.1, section 4.
"""

from yikao_devices import gatt
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
from yikao_devices.models import Model

RECORDS_MAX = 1000
"""No cuff stores more; one that never falls silent is left after so many."""


def read_cuff(model: Model, present: frozenset[int], known: bool = False) -> Talk:
    """Drain a cuff; the outcome counts its measurements."""
    greeting = yield from greet(model, present, known)
    records, problem = 0, None
    answer = yield Subscribe(gatt.BLOOD_PRESSURE_MEASUREMENT)
    if isinstance(answer, Refused):
        return Outcome(greeting.identity, greeting.battery_pct, 0, "subscribe_refused")
    while records < RECORDS_MAX:
        match (yield Wait(model.quiet_s)):
            case Notification(gatt.BLOOD_PRESSURE_MEASUREMENT):
                records += 1
            case Silence() | Disconnected():
                break
    else:
        problem = "never_silent"
    return Outcome(greeting.identity, greeting.battery_pct, records, problem)
