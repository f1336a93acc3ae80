"""Blood pressure: from a cuff's decoded record to a reading, or the event that it failed.

The two forms of the standard give the same reading. The newer one has two clocks: the one on the
display is the one that Current Time tells and that we compare, so records are dated by it where it
is there. A cuff that sends a record in both forms sends one reading: it gets the same id.

Source: Bluetooth SIG, Blood Pressure Service 1.1.1. Behaviours: docs/devices.md.
"""

from yikao_devices.blood_pressure import USER_UNKNOWN, BloodPressure, Status
from yikao_devices.enhanced_blood_pressure import EnhancedBloodPressure
from yikao_devices.readings import (
    MEASUREMENT_FAILED,
    Origin,
    clocks_of,
    event_item,
    identity_of,
    names_of,
    number_of,
)
from yikao_devices.units import mmhg_of_kpa
from yikao_devices.wire import BloodPressureReading, Item


def blood_pressure_item(
    value: BloodPressure | EnhancedBloodPressure, frame: bytes, origin: Origin
) -> Item:
    """Return the reading in `value`, or the event that the measurement failed."""
    time = value.time
    if isinstance(value, EnhancedBloodPressure) and value.user_time is not None:
        time = value.user_time
    moment = origin.moment(time)
    systolic, diastolic = number_of(value.systolic), number_of(value.diastolic)
    pulse, mean = number_of(value.pulse), number_of(value.map)
    user = None if value.user == USER_UNKNOWN else value.user
    values = (systolic, diastolic, pulse, user)
    identity = identity_of(origin, "blood_pressure", time, values)
    if systolic is None or diastolic is None:
        return event_item(MEASUREMENT_FAILED, identity, time, moment, frame, origin)
    kpa = value.unit == "kPa"
    return BloodPressureReading(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=clocks_of(time, origin),
        systolic_mmhg=_mmhg(systolic, kpa),
        diastolic_mmhg=_mmhg(diastolic, kpa),
        # Several cuffs send 0 for a mean pressure they do not compute.
        mean_mmhg=_mmhg(mean, kpa) if mean else None,
        pulse_bpm=pulse,
        unit="kPa" if kpa else "mmHg",
        systolic_kpa=systolic if kpa else None,
        diastolic_kpa=diastolic if kpa else None,
        mean_kpa=mean if kpa and mean else None,
        user=user,
        model=origin.model,
        flags=moment.flags + names_of(Status(value.status or 0)),
        frame=frame.hex(),
    )


def _mmhg(value: float, kpa: bool) -> float:
    return mmhg_of_kpa(value) if kpa else value
