"""Weight: from a scale's decoded record to a reading, or the event that it could not weigh.

A scale in pounds is converted by the exact factor, and its own number stays beside. Body mass
index and height, which a scale computes from what somebody once typed in, do not travel.

Source: Bluetooth SIG, Weight Scale Service 1.0.1, section 3.2.
"""

from typing import Final

from yikao_devices.readings import (
    MEASUREMENT_FAILED,
    Origin,
    clocks_of,
    event_item,
    identity_of,
    number_of,
)
from yikao_devices.units import kg_of_lb
from yikao_devices.weight import Weight
from yikao_devices.wire import Item, WeightReading

_USER_UNKNOWN: Final = 255
"""The user id of a scale that does not know who stands on it."""


def weight_item(value: Weight, frame: bytes, origin: Origin) -> Item:
    """Return the reading in `value`, or the event that the weighing failed."""
    moment = origin.moment_or_now(value.time)
    weight = number_of(value.weight)
    user = None if value.user == _USER_UNKNOWN else value.user
    identity = identity_of(origin, "weight", value.time, (weight, value.unit, user))
    if weight is None:
        return event_item(MEASUREMENT_FAILED, identity, value.time, moment, frame, origin)
    in_lb = value.unit == "lb"
    return WeightReading(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=clocks_of(value.time, origin),
        unit="lb" if in_lb else "kg",
        weight_kg=kg_of_lb(weight) if in_lb else weight,
        weight_lb=weight if in_lb else None,
        user=user,
        model=origin.model,
        flags=moment.flags,
        frame=frame.hex(),
    )
