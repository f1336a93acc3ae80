"""Day by day how each resident stood: the level, the shift from the own baseline, the label."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from yikao_alerts.backtest.days import home_day
from yikao_alerts.backtest.digits import Floats
from yikao_alerts.backtest.found import DAILY, Found
from yikao_alerts.daily import labels
from yikao_alerts.daily.grid import EPOCH, Grid
from yikao_alerts.daily.labels import Colour, Open

_OPEN: Final[Mapping[str, Open]] = {
    "page_now": Open.PAGE_NOW,
    "today": Open.TODAY,
    "this_week": Open.THIS_WEEK,
}


@dataclass(frozen=True, slots=True)
class Trace:
    """One resident's days from `first_day`: level and shift in mmHg, None where unknown; colour."""

    first_day: str
    level: list[float | None]
    shift: list[float | None]
    label: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the trace as it stands in the output."""
        return {
            "first_day": self.first_day,
            "level_mmhg": self.level,
            "shift_mmhg": self.shift,
            "label": self.label,
        }


def traces(
    grid: Grid, names: Sequence[str], found: Iterable[Found], zone: ZoneInfo
) -> dict[str, Trace]:
    """Return the traces of residents. found: all their findings.

    Nobody answers in a back-test: a page or a task counts as open on the day it was found, an entry
    of the worklist until it ended.
    """
    shown = labels.run(labels.facts_of(grid, _opened(grid, names, found, zone)), grid.first_day)[0]
    first = (EPOCH + timedelta(days=grid.first_day)).isoformat()
    assert grid.systolic_level is not None, "a back-test always has levels"
    assert grid.systolic_trend is not None, "a back-test always has trends"
    level = np.round(grid.systolic_level.level, 1)
    shift = np.round(grid.systolic_trend.shift, 1)
    words = [colour.name.lower() for colour in Colour]
    return {
        name: Trace(
            first, _numbers(level[row]), _numbers(shift[row]), [words[c] for c in shown[row]]
        )
        for row, name in enumerate(names)
    }


def _opened(
    grid: Grid, names: Sequence[str], found: Iterable[Found], zone: ZoneInfo
) -> NDArray[np.int8]:
    """Return the most urgent open case of each day, (n, days)."""
    row = {name: number for number, name in enumerate(names)}
    opened = np.zeros((len(names), grid.days), np.int8)
    for each in found:
        urgency = _OPEN.get(each.severity)
        if urgency is None or each.family is None:
            continue
        first = home_day(each.found_at, zone) - grid.first_day
        last = first
        if each.lane == DAILY:
            # What a closed day opened was known only when it had closed.
            last = grid.days - 1
            if each.ended_at is not None:
                last = home_day(each.ended_at, zone) - grid.first_day - 1
        days = opened[row[each.resident], max(first, 0) : last + 1]
        np.maximum(days, np.int8(urgency), out=days)
    return opened


def _numbers(values: Floats) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]
