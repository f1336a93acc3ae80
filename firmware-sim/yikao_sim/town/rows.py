"""All readings of a block as one table in order of person and time: of their own accord, and asked.

In files nobody's rules run, so the display of each home asks by `Asking`; where the real rules run
they ask, and only `habitual` is used.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from yikao_sim.town.parameters import HABIT, MORNING
from yikao_sim.town.people import Floats, Ints, Mask
from yikao_sim.town.readings import Block
from yikao_sim.town.replies import Place, Reply, reply, wants_another
from yikao_sim.town.sugar import fasting_glucose, rechecks
from yikao_sim.town.vitals import Beside, beside

GLUCOSE_BEFORE_S = 300
"""The finger is pricked so long before the cuff is put on; D."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings, each array `(m,)`: number in the block, day of the run, second of the local day.

    Pressures in mmHg, pulse in bpm and glucose in mmol/L; NaN what a reading has not. fasting: of
    glucose, whether nothing was eaten since the evening; what is measured again does not say so.
    """

    person: Ints
    day: Ints
    second: Ints
    arrival_s: Ints
    systolic: Floats
    diastolic: Floats
    pulse: Floats
    glucose: Floats
    fasting: Mask


NAMES = tuple(each.name for each in fields(Rows))


def readings_of(block: Block) -> Rows:
    """Return every reading of a block."""
    extra = beside(block)
    return in_order([habitual(block, extra), _asked(block, extra), _sugar(block, extra)])


def in_order(parts: Iterable[Rows]) -> Rows:
    """Return the parts as one table in order of person and time."""
    whole = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for parts in (list(parts),)
        for name in NAMES
    }
    order = np.lexsort((whole["second"], whole["day"], whole["person"]))
    return Rows(**{name: column[order] for name, column in whole.items()})


def habitual(block: Block, extra: Beside) -> Rows:
    """Return the pressures that people take of their own accord."""
    where = np.nonzero(~np.isnan(block.systolic))
    systolic = block.systolic[where]
    return Rows(
        where[0],
        where[1],
        extra.second[where],
        extra.arrival_s[where],
        systolic,
        extra.diastolic[where],
        extra.pulse[where],
        np.full(systolic.size, np.nan, np.float32),
        np.zeros(systolic.size, bool),
    )


def _asked(block: Block, extra: Beside) -> Rows:
    """Return the further pressures of sessions in which the display asked for some."""
    asking = block.town.parameters.asking
    taken = ~np.isnan(block.systolic)
    extreme = (block.systolic >= asking.systolic_high) | (block.systolic < asking.systolic_low)
    extreme |= taken & (extra.diastolic >= asking.diastolic_high)
    found = [
        (place.person, place.day, second, more.arrival_s, more.systolic, more.diastolic, more.pulse)
        for place in (Place(*at) for at in np.argwhere(extreme.any(axis=3)).tolist())
        for second, more in further(block, extra, place)
    ]
    table = np.array(found, np.float64).reshape(-1, 7).T
    whole, values = table[:4].astype(np.int64), table[4:].astype(np.float32)
    none, never = np.full(len(found), np.nan, np.float32), np.zeros(len(found), bool)
    person, day, second, arrival = whole
    systolic, diastolic, pulse = values
    return Rows(person, day, second, arrival, systolic, diastolic, pulse, none, never)


def further(block: Block, extra: Beside, place: Place) -> list[tuple[int, Reply]]:
    """Return the readings that the display obtains in a session, each with its second of day."""
    at = (place.person, place.day, place.session)
    own = [n for n in range(HABIT) if not np.isnan(block.systolic[at][n])]
    pairs = [(float(block.systolic[at][n]), float(extra.diastolic[at][n])) for n in own]
    second = int(extra.second[at][own[-1]])
    obtained: list[tuple[int, Reply]] = []
    while wants_another(block.town.parameters.asking, pairs):
        answer = reply(block, place, len(obtained) + 1)
        if answer is None:
            break
        second += answer.after_s
        obtained.append((second, answer))
        pairs.append((answer.systolic, answer.diastolic))
    return obtained


def _sugar(block: Block, extra: Beside) -> Rows:
    """Return the glucose of those who have a meter, and what they measured again."""
    fasting = fasting_glucose(block)
    person, day = np.nonzero(~np.isnan(fasting.measured))
    again = list(rechecks(block, fasting))
    after = np.array([0] * person.size + [each.after_s for each in again], np.int64)
    whose = np.append(person, [each.person for each in again]).astype(np.int64)
    when = np.append(day, [each.day for each in again]).astype(np.int64)
    value = np.append(fasting.measured[person, day], [each.glucose for each in again])
    none = np.full(whose.size, np.nan, np.float32)
    return Rows(
        whose,
        when,
        extra.second[whose, when, MORNING, 0] - GLUCOSE_BEFORE_S + after,
        extra.arrival_s[whose, when, MORNING, 0],
        none,
        none,
        none,
        value.astype(np.float32),
        after == 0,
    )
