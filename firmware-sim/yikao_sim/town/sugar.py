"""Fasting glucose of those in the town who own a meter, in mmol/L.

log glucose = log usual + day's deviation + event, times the meter's error; now and then a finger
that was not washed. Insulin-treated people vary more than twice as much as those on tablets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yikao_sim.town.events import glucose_events
from yikao_sim.town.parameters import Sugar
from yikao_sim.town.people import Floats, Stream
from yikao_sim.town.readings import Block

WEEK: Final = 7.0
DIGITS: Final = 1


@dataclass(frozen=True, slots=True)
class Fasting:
    """Fasting glucose in mmol/L, `(n, d)`: as `measured`, NaN where it was not, and as it was."""

    measured: Floats
    true: Floats


def fasting_glucose(block: Block) -> Fasting:
    """Return the fasting glucose of everybody in a block who has a meter."""
    town, people = block.town, block.people
    sugar = town.parameters.sugar
    rng = town.stream(block.number, Stream.SUGAR)
    n = people.usual.size
    usual = np.clip(rng.normal(sugar.usual.mean, sugar.usual.sd, n), *sugar.usual_bounds)
    spread = np.where(people.insulin, rng.uniform(*sugar.insulin_log_sd, n), sugar.tablets_log_sd)
    often = rng.random(n) < sugar.often_share
    per_week = np.where(often, sugar.often_per_week, sugar.seldom_per_week)
    shape = (n, town.days)
    log = np.log(usual)[:, None] + spread[:, None] * rng.standard_normal(shape)
    log += glucose_events(town.scenario, people.affected, town.days)
    unwashed = rng.random(shape) < sugar.contaminated
    dirt = unwashed * rng.normal(sugar.contaminated_log.mean, sugar.contaminated_log.sd, shape)
    shown = np.exp(log + dirt) * (1 + sugar.meter_cv * rng.standard_normal(shape))
    taken = (rng.random(shape) < per_week[:, None] / WEEK) & people.diabetes[:, None]
    measured = np.where(taken, _readable(shown, sugar), np.nan)
    return Fasting(measured.astype(np.float32), np.exp(log).astype(np.float32))


def _readable(shown: NDArray[np.float64], sugar: Sugar) -> NDArray[np.float64]:
    return np.clip(np.round(shown, DIGITS), *sugar.readable)


@dataclass(frozen=True, slots=True)
class Recheck:
    """A further glucose reading, `after_s` seconds after the fasting one of that day, mmol/L."""

    person: int
    day: int
    after_s: int
    glucose: float


def rechecks(block: Block, fasting: Fasting) -> Iterator[Recheck]:
    """Yield what people measure again when the display asks them to. Some do not come back.

    After a low one they eat sugar and measure twice; after a high one they wash their hands, and
    what was on the finger is gone.
    """
    asking, sugar = block.town.parameters.asking, block.town.parameters.sugar
    low, high = (
        fasting.measured <= asking.glucose_low,
        fasting.measured >= asking.glucose_high,
    )
    for person, day in np.argwhere(low | high).tolist():
        rng = block.town.stream(block.number, Stream.SUGAR, person, day)
        if rng.random() >= block.town.parameters.strata[int(block.people.stratum[person])].replies:
            continue
        if high[person, day]:
            shown = fasting.true[person, day] * (1 + sugar.meter_cv * rng.standard_normal())
            after = int(rng.integers(*sugar.recheck_high_s))
            yield Recheck(person, day, after, float(_readable(shown, sugar)))
            continue
        after = 0
        for rise in sugar.rises_by:
            after += int(rng.integers(*sugar.recheck_low_s))
            shown = fasting.measured[person, day] + rng.normal(rise.mean, rise.sd)
            yield Recheck(person, day, after, float(_readable(shown, sugar)))
