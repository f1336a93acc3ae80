"""Heart rate: from the stream of a chest strap or a watch to one reading a minute.

A sensor that touches nobody goes on sending: the last number, zero, or anything. Samples that say
so do not count, nor does zero, by which sensors without a means to say so tell the same.

Source: Bluetooth SIG, Heart Rate Service 1.0, section 3.1. Zero for "no clean signal":
github.com/InfiniTimeOrg/InfiniTime, issue 1881; github.com/polarofficial/polar-ble-sdk, issue 131.
"""

from datetime import UTC

from yikao_devices.heart_rate import Contact, decode_heart_rate
from yikao_devices.minutes import MINUTE, NO_CONTACT, Minute, Sample
from yikao_devices.readings import clocks_of, identity_of
from yikao_devices.wire import HeartRateReading


def heart_rate_sample(frame: bytes) -> Sample:
    """Return one notification; refuses what cannot be decoded with `FrameError`."""
    value = decode_heart_rate(frame)
    if value.contact is Contact.NO:
        return Sample(frame, None, flags=(NO_CONTACT,))
    return Sample(frame, float(value.hr) if value.hr else None)


def heart_rate_of(minute: Minute) -> HeartRateReading:
    """Return the reading that a minute comes to."""
    origin = minute.origin
    moment = origin.measured(minute.begins, MINUTE)
    return HeartRateReading(
        reading_id=identity_of(origin, "heart_rate", minute.begins.astimezone(UTC), ("minute",)),
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=clocks_of(None, origin),
        pulse_bpm=minute.value,
        model=origin.model,
        flags=moment.flags + minute.flags,
        frame=minute.frame.hex(),
    )
