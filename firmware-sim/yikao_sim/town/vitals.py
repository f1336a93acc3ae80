"""The diastolic pressure and the pulse beside each systolic reading, and when it was taken.

Both follow the systolic pressure and add noise of their own; neither ever pages by itself
(`Vitals`), so that what is counted in a town is counted about one number.
"""

from dataclasses import dataclass

import numpy as np

from yikao_sim.town.parameters import HABIT, MORNING, SESSIONS, Vitals
from yikao_sim.town.people import Floats, Ints, Stream
from yikao_sim.town.readings import Block


@dataclass(frozen=True, slots=True)
class Beside:
    """What belongs to the systolic readings of a block, each `(n, d, s, r)`."""

    diastolic: Floats
    pulse: Floats
    second: Ints
    """Of the local day."""
    arrival_s: Ints
    """From measurement to server."""


def beside(block: Block) -> Beside:
    """Return diastolic pressures, pulses and times of the readings of a block, taken or not."""
    rng = block.town.stream(block.number, Stream.VITALS)
    vitals = block.town.parameters.vitals
    shape = block.systolic.shape
    people = block.people
    varied = people.variability[:, None, None]
    session = (
        people.diastolic[:, None, None]
        + vitals.per_systolic * (block.session_level - people.usual[:, None, None])
        + varied * _noise(rng, shape[:-1], vitals.diastolic_session_sd)
    )
    noise = varied[..., None] * _noise(rng, shape, vitals.diastolic_reading_sd)
    own = session[..., None] + noise
    faults = block.town.parameters.faults
    another = _noise(rng, shape[:-1], faults.other_diastolic.sd) + faults.other_diastolic.mean
    foreign = ~np.isnan(block.other_level)[..., None]
    diastolic = readable_diastolic(
        np.where(foreign, another[..., None] + noise, own), block.systolic, vitals
    )
    pulse = (
        people.pulse[:, None, None, None]
        + _noise(rng, shape[:-1], vitals.pulse_session_sd)[..., None]
    )
    pulse = pulse + _noise(rng, shape, vitals.pulse_reading_sd)
    second, arrival = _times(block)
    return Beside(diastolic, np.clip(np.rint(pulse), *vitals.pulse_readable), second, arrival)


def readable_diastolic(shown: Floats, systolic: Floats, vitals: Vitals) -> Floats:
    """Return diastolic pressures as recorded: whole, within bounds, well below the systolic."""
    low, high = vitals.diastolic_readable
    whole: Floats = np.clip(np.rint(shown), low, high)
    below: Floats = np.minimum(whole, systolic - vitals.pulse_pressure_min)
    return below


def _times(block: Block) -> tuple[Ints, Ints]:
    """Return the second of the day of each reading and how long it took to arrive."""
    rng = block.town.stream(block.number, Stream.TIMES)
    times = block.town.parameters.times
    n, days = block.people.usual.size, block.town.days
    second = np.empty((n, days, SESSIONS, HABIT), np.int64)
    for session in range(SESSIONS):
        begin, end = times.morning_h if session == MORNING else times.evening_h
        second[:, :, session, 0] = rng.integers(int(begin * 3600), int(end * 3600), (n, days))
    apart = rng.integers(times.apart_s[0], times.apart_s[1] + 1, (n, days, SESSIONS))
    second[..., 1] = second[..., 0] + apart
    sent = rng.integers(times.arrival_s[0], times.arrival_s[1] + 1, second.shape)
    typed = rng.integers(times.typed_arrival_s[0], times.typed_arrival_s[1] + 1, second.shape)
    return second, np.where(block.people.typed[:, None, None, None], typed, sent)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], sd: float) -> Floats:
    return rng.standard_normal(shape, np.float32) * np.float32(sd)
