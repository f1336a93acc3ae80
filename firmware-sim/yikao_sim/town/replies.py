"""What a person does when the display asks for another reading: mostly takes one, sometimes not.

The answer depends on who was asked, in which session and how often, and on the seed; not on who
else was asked before. So the real rules may ask, in any order, and the town answers the same.
"""

from dataclasses import dataclass

import numpy as np

from yikao_sim.town.parameters import Asking
from yikao_sim.town.people import Floats, Stream
from yikao_sim.town.readings import Block, artefacts, written
from yikao_sim.town.vitals import readable_diastolic


@dataclass(frozen=True, slots=True)
class Place:
    """A session: number of the person in the block, day of the run, morning or evening."""

    person: int
    day: int
    session: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Another reading, `after_s` seconds after the one before it. Pressures in mmHg."""

    after_s: int
    systolic: float
    diastolic: float
    pulse: float
    arrival_s: int


def reply(block: Block, place: Place, number: int) -> Reply | None:
    """Return the person's `number`-th further reading of a session, from 1; None: nobody comes."""
    rng = block.town.stream(
        block.number, Stream.REPLIES, place.person, place.day, place.session, number
    )
    people, parameters = block.people, block.town.parameters
    stratum = parameters.strata[int(people.stratum[place.person])]
    times, vitals = parameters.times, parameters.vitals
    if rng.random() >= stratum.replies:
        return None
    systolic = _systolic(block, place, rng)
    follows = vitals.per_systolic * (systolic - people.usual[place.person])
    own = vitals.diastolic_reading_sd * people.variability[place.person]
    diastolic = people.diastolic[place.person] + follows + rng.normal(0.0, own, 1)
    whole = readable_diastolic(diastolic.astype(np.float32), systolic, vitals)
    pulse = rng.normal(people.pulse[place.person], vitals.pulse_session_sd)
    return Reply(
        after_s=int(rng.integers(times.apart_s[0], times.apart_s[1] + 1)),
        systolic=float(systolic[0]),
        diastolic=float(whole[0]),
        pulse=float(np.clip(np.rint(pulse), *vitals.pulse_readable)),
        arrival_s=int(rng.integers(times.arrival_s[0], times.arrival_s[1] + 1)),
    )


def _systolic(block: Block, place: Place, rng: np.random.Generator) -> Floats:
    """Return what the cuff shows, `(1,)`: the session's level, or that of whoever uses it."""
    people, parameters = block.people, block.town.parameters
    other = block.other_level[place.person, place.day, place.session]
    if np.isnan(other):
        level = block.session_level[place.person, place.day, place.session]
        sd = parameters.systolic.reading_sd * float(people.variability[place.person])
    else:
        level, sd = other, parameters.faults.other_reading_sd
    shown = level + rng.normal(0.0, sd, 1) + artefacts((1,), parameters.faults, rng)
    return written(shown.astype(np.float32), people.typed[[place.person]], parameters, rng)


def wants_another(asking: Asking, pairs: list[tuple[float, float]]) -> bool:
    """Return whether the display asks, after these (systolic, diastolic) readings of a session.

    It does for a lone extreme one, for two that differ, and for two whose mean does not decide.
    """
    begin = next((i for i, pair in enumerate(pairs) if _extreme(asking, *pair)), None)
    if begin is None or len(pairs) - begin >= asking.readings_max:
        return False
    own = np.array(pairs[begin:])
    if len(own) == 1:
        return True
    differ = np.ptp(own, axis=0).max() > asking.differ
    mean = own.mean(axis=0)
    limits = np.array([asking.systolic_high, asking.diastolic_high])
    near = np.abs(mean - limits).min() < asking.near
    return bool(differ or near)


def _extreme(asking: Asking, systolic: float, diastolic: float) -> bool:
    high = systolic >= asking.systolic_high or diastolic >= asking.diastolic_high
    return high or systolic < asking.systolic_low
