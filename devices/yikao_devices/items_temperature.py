"""Temperature: from a thermometer's decoded record to a reading, or the event that it failed.

Where it was measured travels as a flag (`site_ear`): a fever begins elsewhere in the armpit than
in the mouth. A thermometer that always measures at one place does not say so in each record.

Source: Bluetooth SIG, Health Thermometer Service 1.0, section 3.1; GATT Specification Supplement,
Temperature Type.
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
from yikao_devices.temperature import Temperature
from yikao_devices.units import c_of_f
from yikao_devices.wire import Item, TemperatureReading

SITES: Final = {
    1: "site_armpit",
    2: "site_body",
    3: "site_ear",
    4: "site_finger",
    5: "site_gut",
    6: "site_mouth",
    7: "site_rectum",
    8: "site_toe",
    9: "site_eardrum",
}
"""The places that the standard numbers; others are reserved and not told."""


def temperature_item(value: Temperature, frame: bytes, origin: Origin) -> Item:
    """Return the reading in `value`, or the event that the measurement failed."""
    moment = origin.moment_or_now(value.time)
    degrees = number_of(value.temperature)
    values = (degrees, value.unit, value.site)
    identity = identity_of(origin, "temperature", value.time, values)
    if degrees is None:
        return event_item(MEASUREMENT_FAILED, identity, value.time, moment, frame, origin)
    in_f = value.unit == "F"
    site = SITES.get(value.site) if value.site is not None else None
    return TemperatureReading(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=clocks_of(value.time, origin),
        unit="[degF]" if in_f else "Cel",
        temperature_c=c_of_f(degrees) if in_f else degrees,
        temperature_f=degrees if in_f else None,
        model=origin.model,
        flags=moment.flags if site is None else (*moment.flags, site),
        frame=frame.hex(),
    )
