"""Oxygen saturation: from what an oximeter sends to a reading, or the event that it failed.

A spot-check is a record like a cuff's. A stream is told minute by minute, and there only samples
count that the device itself does not doubt.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0.1, sections 3.1 and 3.2.
"""

from datetime import UTC
from typing import Final

from yikao_devices.clock_epochs import CLOCK_ERROR
from yikao_devices.minutes import MINUTE, Minute, Sample
from yikao_devices.oximeter_status import LOW_PERFUSION, is_none, words_of
from yikao_devices.pulse_oximeter import SpotCheck, decode_continuous
from yikao_devices.readings import (
    MEASUREMENT_FAILED,
    Origin,
    clocks_of,
    event_item,
    identity_of,
    number_of,
)
from yikao_devices.wire import Item, OximetryReading

SPO2_MAX_PCT: Final = 100.0
"""All of the blood's oxygen places are taken; some chips say 127 for "none yet"."""


def spot_check_item(value: SpotCheck, frame: bytes, origin: Origin) -> Item:
    """Return the reading in `value`, or the event that the measurement failed."""
    # A time from a clock that was never set tells a record from others and nothing else.
    moment = origin.moment_or_now(None if value.clock_unset else value.time)
    spo2, pulse = number_of(value.spo2), number_of(value.pr)
    identity = identity_of(origin, "oximetry", value.time, (spo2, pulse))
    if spo2 is None or is_none(value.mstatus, value.dstatus):
        return event_item(MEASUREMENT_FAILED, identity, value.time, moment, frame, origin)
    unset = (CLOCK_ERROR,) if value.clock_unset else ()
    return OximetryReading(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=clocks_of(value.time, origin),
        spo2_pct=spo2,
        pulse_bpm=pulse,
        model=origin.model,
        flags=moment.flags + unset + words_of(value.mstatus, value.dstatus),
        frame=frame.hex(),
    )


def oximetry_sample(frame: bytes) -> Sample:
    """Return one notification of a stream; refuses what cannot be decoded with `FrameError`."""
    value = decode_continuous(frame)
    spo2, pulse = number_of(value.spo2), number_of(value.pr)
    flags = words_of(value.mstatus, value.dstatus)
    sound = spo2 is not None and 0 < spo2 <= SPO2_MAX_PCT
    doubted = is_none(value.mstatus, value.dstatus) or set(flags) - {LOW_PERFUSION}
    return Sample(frame, spo2 if sound and not doubted else None, pulse or None, flags)


def oximetry_of(minute: Minute) -> OximetryReading:
    """Return the reading that a minute of a stream comes to."""
    origin = minute.origin
    moment = origin.measured(minute.begins, MINUTE)
    return OximetryReading(
        reading_id=identity_of(origin, "oximetry", minute.begins.astimezone(UTC), ("minute",)),
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=clocks_of(None, origin),
        spo2_pct=minute.value,
        pulse_bpm=minute.pulse_bpm,
        model=origin.model,
        flags=moment.flags + minute.flags,
        frame=minute.frame.hex(),
    )
