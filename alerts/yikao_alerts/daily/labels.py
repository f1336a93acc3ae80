"""Red, yellow, green, grey or blue: how a resident stands when the day has closed, and why.

Red: something open for now or for today, or the level is very probably 150/95 or more. Yellow:
something open for this week, or very probably 135/85 or more, or silent for a week. Green: none of
it and enough readings. Grey: too few to tell, never shown as green. Blue: not measured, never or
not as expected.
A design choice of this project: no public numeric standard is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

import numpy as np

from yikao_alerts.daily.arrays import Counts, Days, Flags, Small
from yikao_alerts.daily.grid import Grid
from yikao_alerts.daily.level import LevelNumbers, held
from yikao_alerts.daily.windows import days_since, over

Reason = Mapping[str, Any]

LABEL_VERSION: Final = "2"
"""Changes with anything that can change a colour."""

SILENT_D: Final = 7
READING_DAYS_MIN: Final = 8
READING_DAYS_OF: Final = 28
"""At least so many days with readings of the last so many are enough for green."""

DWELL_D: Final = 3
"""A colour that improves does so after so many days at the earliest; a worse one, and grey, at
once (design choice)."""

HIGH: Final = (135.0, 85.0)
VERY_HIGH: Final = (150.0, 95.0)


class Colour(IntEnum):
    """The colours, the more urgent the higher; grey and blue say that too little is known."""

    BLUE = 0
    GREY = 1
    GREEN = 2
    YELLOW = 3
    RED = 4


class Open(IntEnum):
    """The most urgent of the resident's open cases."""

    NOTHING = 0
    THIS_WEEK = 1
    TODAY = 2
    PAGE_NOW = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What labels rest on: (n, days), or (n,) of one day.

    open: `Open`, not counting the entry for silence. high, very_high: the level counts as at least
    135/85, 150/95 (see `Levels`). silent: days since the last reading, -1 without any.
    reading_days: of the last 28. behind: not measured as expected (`silence.py`), None where nobody
    has asked.
    """

    open: Small
    high: Flags
    very_high: Flags
    silent: Counts
    reading_days: Counts
    behind: Flags | None = None


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of both pressures, (n, days), and the question a label asks of them."""

    systolic: LevelNumbers
    diastolic: LevelNumbers

    def above(self, limits: tuple[float, float], before: Flags | None = None) -> Flags:
        """Return (n, days) whether either level counts as at least its limit.

        From when one of them surely is until both surely are not; before: (n,) the day before.
        """
        systolic, diastolic = limits
        return held(np.fmax(self.systolic.z(systolic), self.diastolic.z(diastolic)), before)


def facts_of(grid: Grid, opened: Small) -> Facts:
    """Return the facts of a grid; opened: (n, days) `Open`."""
    seen = np.zeros(opened.shape, dtype=np.bool_)
    if grid.pressure is not None:
        seen |= (grid.pressure.morning.count + grid.pressure.evening.count) > 0
    if grid.glucose is not None:
        seen |= (grid.glucose.fasting_sums.count + grid.glucose.not_fasting_sums.count) > 0
    high = very_high = np.zeros(opened.shape, dtype=np.bool_)
    if grid.systolic_level is not None and grid.diastolic_level is not None:
        levels = Levels(grid.systolic_level, grid.diastolic_level)
        high, very_high = levels.above(HIGH), levels.above(VERY_HIGH)
    reading_days = over(seen, READING_DAYS_OF).astype(np.int32)
    return Facts(opened, high, very_high, days_since(seen), reading_days)


def colours(facts: Facts) -> Small:
    """Return the `Colour` that the facts of each day call for by themselves."""
    red = (facts.open >= Open.TODAY) | facts.very_high
    yellow = (facts.open == Open.THIS_WEEK) | facts.high | (facts.silent >= SILENT_D)
    green = facts.reading_days >= READING_DAYS_MIN
    blue = facts.silent < 0
    if facts.behind is not None:
        blue = blue | facts.behind
    choices = [Colour.RED, Colour.YELLOW, Colour.BLUE, Colour.GREEN]
    return np.select([red, yellow, blue, green], choices, Colour.GREY).astype(np.int8)


def dwelt(wanted: Small, shown: Small, since: Days, today: int) -> tuple[Small, Days]:
    """Return the colours to show and since when (n,), after those shown until yesterday.

    Red and yellow stay for at least `DWELL_D` days; anything worse is shown at once, and so is grey
    in place of green.
    """
    keep = (wanted < shown) & (shown >= Colour.YELLOW) & (today - since < DWELL_D)
    now = np.where(keep, shown, wanted).astype(np.int8)
    return now, np.where(now == shown, since, np.int32(today)).astype(np.int32)


def run(facts: Facts, first_day: int) -> tuple[Small, Days]:
    """Return (n, days) the colour shown at the end of each day, and since which day."""
    wanted = colours(facts)
    shown, since = np.zeros_like(wanted), np.zeros(wanted.shape, dtype=np.int32)
    last = np.full(wanted.shape[0], Colour.BLUE, dtype=np.int8)
    begun = np.full(wanted.shape[0], first_day, dtype=np.int32)
    for column in range(wanted.shape[1]):
        last, begun = dwelt(wanted[:, column], last, begun, first_day + column)
        shown[:, column], since[:, column] = last, begun
    return shown, since


def reasons(
    facts: Facts,
    levels: Levels | None,
    place: tuple[int, int],
    open_rules: Mapping[Open, Sequence[str]],
    shown: Colour,
) -> list[Reason]:
    """Return why a resident has a colour on a day, the most urgent first, as codes with numbers.

    place: row and column of facts and levels. open_rules: ids of the open cases' rules. shown: the
    colour that is explained; a milder one may be called for already, but not yet shown.
    """
    found: list[Reason] = []
    for urgency in sorted(open_rules, reverse=True):
        code = f"open_{urgency.name.lower()}"
        found += [{"code": code, "rule_id": rule_id} for rule_id in open_rules[urgency]]
    if levels is not None and facts.high[place]:
        code, limits = ("level_high", HIGH)
        if facts.very_high[place]:
            code, limits = ("level_very_high", VERY_HIGH)
        found.append(_level_reason(code, limits, levels, place))
    silent, days = int(facts.silent[place]), int(facts.reading_days[place])
    if silent < 0:
        found.append({"code": "not_measured"})
    elif silent >= SILENT_D or (facts.behind is not None and facts.behind[place]):
        found.append({"code": "silent", "days": silent})
    if silent >= 0 and (not found or days < READING_DAYS_MIN):
        code = "enough_days" if days >= READING_DAYS_MIN else "few_days"
        found.append({"code": code, "days": days})
    if colours(facts)[place] < shown:
        found.insert(0, {"code": "not_long_enough", "days": DWELL_D})
    return found


def _level_reason(
    code: str, limits: tuple[float, float], levels: Levels, place: tuple[int, int]
) -> Reason:
    """Return the pressure that is more surely above its limit."""
    row, column = place
    candidates = []
    for field, limit in zip(("systolic", "diastolic"), limits, strict=True):
        its: LevelNumbers = getattr(levels, field)
        today = LevelNumbers(its.level[row : row + 1, column], its.sd[row : row + 1, column])
        p, level = float(today.probability(limit)[0]), float(today.level[0])
        candidates.append({"p": round(p, 3), "level": round(level, 1), "limit": limit})
    best = max(candidates, key=lambda each: each["p"])
    return {"code": code, **best}


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word on a label: why, by whom, and until when it stands."""

    colour: Colour
    reason: str
    by: str
    expires_at: datetime


def standing(by_rules: Colour, override: Override | None, now: datetime) -> Colour:
    """Return the colour that counts: a person's word until it expires, then the rules' again."""
    return override.colour if override is not None and now < override.expires_at else by_rules
