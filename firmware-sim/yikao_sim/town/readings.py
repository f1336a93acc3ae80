"""What the cuffs of a block say, reading by reading, and what they ought to have said.

A reading = usual + [morning] difference + season + event + [first] biases
    + variability x (day + session + reading),
with artefacts, other people's sessions and typed numbers on top.
"""

from dataclasses import dataclass

import numpy as np

from yikao_sim.town.events import pressure_events
from yikao_sim.town.parameters import HABIT, MORNING, SESSIONS, YEAR, Faults, Parameters
from yikao_sim.town.people import BLOCK, Floats, Mask, People, Stream, Town, people_of


@dataclass(frozen=True, slots=True)
class Block:
    """A block of people and their pressures. n people, d days, s sessions, r readings; mmHg.

    `session_level` is what an unlimited number of faultless readings would show in the session,
    also where nobody measured; `usual_level` is the mean that measuring every morning and evening
    at that time of life would give: usual + half the morning difference + season + event.
    """

    town: Town
    number: int
    people: People
    usual_level: Floats
    """`(n, d)`"""
    session_level: Floats
    """`(n, d, s)`"""
    other_level: Floats
    """`(n, d, s)`: the level of another person who used the cuff, NaN where nobody did."""
    systolic: Floats
    """`(n, d, s, r)`, NaN where nothing was measured."""

    @property
    def first_person(self) -> int:
        """Number of the first person of the block in the town."""
        return self.number * BLOCK


def block_of(town: Town, number: int) -> Block:
    """Return a block of the town."""
    people = people_of(town, number)
    events = pressure_events(
        town.scenario, people.affected, town.days, town.stream(number, Stream.EVENTS)
    )
    season = _season(people, town)
    rng = town.stream(number, Stream.PRESSURE)
    level = people.usual[:, None, None] + season[:, :, None] + events
    deviation = _deviations(people, town, rng)
    session_level = level + deviation
    session_level[:, :, MORNING] += people.morning_minus_evening[:, None]
    other = _others(session_level.shape, town.parameters.faults, rng)
    measured = _readings(people, session_level, other, town, rng)
    taken = _taken(people, town, town.stream(number, Stream.ATTENDANCE))
    usual_level = level.mean(axis=2) + people.morning_minus_evening[:, None] / 2
    return Block(
        town,
        number,
        people,
        usual_level,
        session_level,
        other,
        np.where(taken, measured, np.float32(np.nan)),
    )


def _season(people: People, town: Town) -> Floats:
    """Return the season `(n, d)`, centred on the first days of each run."""
    systolic = town.parameters.systolic
    day = np.arange(town.days, dtype=np.float32)[None, :] + people.phase[:, None]
    wave = people.season_half[:, None] * np.cos(2 * np.pi * (day - systolic.season_peak_day) / YEAR)
    centre = wave[:, : systolic.centred_on_days].mean(axis=1, keepdims=True)
    season: Floats = (wave - centre).astype(np.float32)
    return season


def _deviations(people: People, town: Town, rng: np.random.Generator) -> Floats:
    """Return how far sessions truly are from the level, by day (AR(1)) and session, `(n, d, s)`."""
    systolic = town.parameters.systolic
    n = people.usual.size
    fresh = rng.standard_normal((n, town.days), np.float32) * systolic.day_sd
    fresh[:, 1:] *= np.sqrt(1 - systolic.day_memory**2)
    for day in range(1, town.days):
        fresh[:, day] += systolic.day_memory * fresh[:, day - 1]
    session = rng.standard_normal((n, town.days, SESSIONS), np.float32) * systolic.session_sd
    varied: Floats = people.variability[:, None, None] * (fresh[:, :, None] + session)
    return varied


def _others(shape: tuple[int, ...], faults: Faults, rng: np.random.Generator) -> Floats:
    here = rng.random(shape, np.float32) < faults.other_person
    level = np.full(shape, np.nan, np.float32)
    level[here] = rng.normal(faults.other_systolic.mean, faults.other_systolic.sd, here.sum())
    return level


def _readings(
    people: People, session_level: Floats, other: Floats, town: Town, rng: np.random.Generator
) -> Floats:
    """Return what the cuff would show, `(n, d, s, r)`, had everybody measured."""
    systolic = town.parameters.systolic
    shape = (*session_level.shape, HABIT)
    noise = rng.standard_normal(shape, np.float32)
    own = (
        session_level[..., None]
        + noise * systolic.reading_sd * people.variability[:, None, None, None]
    )
    own[..., 0] += systolic.first_of_session
    series = systolic.first_day * np.exp(-np.arange(town.days) / systolic.first_day_tau)
    own += series.astype(np.float32)[None, :, None, None]
    own += artefacts(shape, town.parameters.faults, rng)
    another = other[..., None] + noise * town.parameters.faults.other_reading_sd
    shown = np.where(np.isnan(another), own, another)
    return written(shown, people.typed[:, None, None, None], town.parameters, rng)


def artefacts(shape: tuple[int, ...], faults: Faults, rng: np.random.Generator) -> Floats:
    """Return what slipped cuffs and talking add to readings, mostly nothing."""
    added = np.zeros(shape, np.float32)
    here = np.nonzero(rng.random(shape, np.float32) < faults.artefact)
    count = here[0].size
    added[here] = np.where(
        rng.random(count) < faults.artefact_high_share,
        rng.normal(faults.artefact_high.mean, faults.artefact_high.sd, count),
        rng.normal(faults.artefact_low.mean, faults.artefact_low.sd, count),
    )
    return added


def written(shown: Floats, typed: Mask, parameters: Parameters, rng: np.random.Generator) -> Floats:
    """Return readings as recorded: whole numbers, some of those that people type rounded more."""
    faults = parameters.faults
    whole = np.clip(np.rint(shown), *faults.readable)
    style = rng.random(shown.shape, np.float32)
    tens = typed & (style < faults.typed_to_tens)
    fives = typed & ~tens & (style < faults.typed_to_tens + faults.typed_to_fives)
    whole = np.where(tens, np.rint(whole / 10) * 10, whole)
    return np.where(fives, np.rint(whole / 5) * 5, whole)


def _taken(people: People, town: Town, rng: np.random.Generator) -> Mask:
    """Return which readings were taken and arrived, `(n, d, s, r)`."""
    n, days = people.usual.size, town.days
    strata = town.parameters.strata
    chance = np.array([[each.morning, each.evening] for each in strata], np.float32)
    second = np.array([each.second_reading for each in strata], np.float32)
    taken = np.empty((n, days, SESSIONS, HABIT), bool)
    taken[..., 0] = rng.random((n, days, SESSIONS), np.float32) < chance[people.stratum][:, None]
    taken[..., 0] &= ~_gaps(n, town, rng)[:, :, None]
    again = rng.random((n, days, SESSIONS), np.float32) < second[people.stratum][:, None, None]
    taken[..., 1] = taken[..., 0] & again
    if town.lost:
        taken &= rng.random(taken.shape, np.float32) >= town.lost
    return taken


def _gaps(n: int, town: Town, rng: np.random.Generator) -> Mask:
    """Return the days on which a person is away from the cuff, `(n, d)`."""
    faults = town.parameters.faults
    away = np.zeros((n, town.days), bool)
    left = np.zeros(n, np.int64)
    for day in range(town.days):
        starts = (left == 0) & (rng.random(n) < faults.gap_starts)
        left = np.where(starts, rng.geometric(1 / faults.gap_mean, n), left)
        away[:, day] = left > 0
        left = np.maximum(left - 1, 0)
    return away
