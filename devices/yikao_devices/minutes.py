"""A minute of a stream: what a strap or an oximeter sends every second, made into one number.

The middle of what was measured in a minute is hardly moved by a cough or a step; a mean would be.
It is the number of one of the samples, so the bytes that it came in are its proof.

Minutes are those of the gateway's clock: streams carry no time of their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low
from typing import Final

from yikao_devices.readings import Origin

MINUTE: Final = timedelta(minutes=1)
NO_CONTACT: Final = "no_contact"
"""Flag on a minute in part of which the sensor touched nobody."""
SAMPLES_MIN: Final = 20
"""Sensors tell a number about every second: fewer is less than a third of a minute, and that is
what it takes to put the sensor on, or a single movement."""
SAMPLES_MAX: Final = 6000
"""A hundred a second; what comes beyond that in a minute would change nothing and is not kept."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One notification: its number, the pulse beside it where that is another, and its flags.

    value: None where it does not count: no number, no contact, a signal that was not good.
    """

    frame: bytes
    value: float | None
    pulse_bpm: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Minute:
    """Enough of a minute. begins: aware, whole. flags: whatever any of its samples said."""

    begins: datetime
    value: float
    pulse_bpm: float | None
    frame: bytes
    flags: tuple[str, ...]
    origin: Origin


def begin_of(at: datetime) -> datetime:
    """Return the beginning of the minute in which `at` lies."""
    return at.replace(second=0, microsecond=0)


def minute_of(begins: datetime, samples: Iterable[Sample], origin: Origin) -> Minute | None:
    """Return what a minute comes to, None where too few samples count. origin: of the last."""
    samples = tuple(samples)
    counted = [(each.value, each) for each in samples if each.value is not None]
    if len(counted) < SAMPLES_MIN:
        return None
    middle = median_low(value for value, _ in counted)
    proof = next(each for value, each in counted if value == middle)
    pulses = [each.pulse_bpm for _, each in counted if each.pulse_bpm is not None]
    flags = tuple(dict.fromkeys(flag for each in samples for flag in each.flags))
    pulse_bpm = median_low(pulses) if pulses else None
    return Minute(begins, middle, pulse_bpm, proof.frame, flags, origin)
