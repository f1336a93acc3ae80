"""What people did that the detector must know: a new level accepted, a drug or a device changed.

A mark takes effect at the beginning of its day. After an accepted level or a new device the old
baseline says nothing any more and is learned anew; after a drug change only the direction that the
doctor expects is set to zero and rests, since a move the other way is news.
"""

from dataclasses import replace
from enum import IntFlag

import numpy as np

from yikao_alerts.daily import cusum
from yikao_alerts.daily.arrays import Flags, Marks
from yikao_alerts.daily.parameters import TrendParameters
from yikao_alerts.daily.trend_state import Baseline, TrendState


class Mark(IntFlag):
    """What happened on a day, as bits of an unsigned byte."""

    LEVEL_ACCEPTED = 1
    DRUG_RAISES = 2
    """A drug was stopped or lowered: a rise is expected."""
    DRUG_LOWERS = 4
    """A drug was started or raised: a fall is expected."""
    NEW_DEVICE = 8
    """Another serial number, model or cuff (DQ-07)."""


def marked(state: TrendState, marks: Marks, today: int, parameters: TrendParameters) -> TrendState:
    """Return the state as it begins `today`, with the marks of today done."""
    fresh = (marks & (Mark.LEVEL_ACCEPTED | Mark.NEW_DEVICE)) != 0
    device = (marks & Mark.NEW_DEVICE) != 0
    rest = cusum.last_rest_day(today, parameters)
    up, down = state.up, state.down
    if fresh.any():
        state = _forgotten(state, fresh, parameters)
        up, down = cusum.restarted(up, fresh, state.day), cusum.restarted(down, fresh, state.day)
    rises, falls = (marks & Mark.DRUG_RAISES) != 0, (marks & Mark.DRUG_LOWERS) != 0
    return replace(
        state,
        up=cusum.restarted(up, device | rises, rest),
        down=cusum.restarted(down, device | falls, rest),
    )


def _forgotten(state: TrendState, which: Flags, parameters: TrendParameters) -> TrendState:
    """Return the state with the baseline of `which` as on the first day, the last days gone."""
    old, new = state.baseline, Baseline.new(which.size, parameters)
    names = Baseline.__slots__
    return replace(
        state,
        baseline=Baseline(
            *(np.where(which, getattr(new, name), getattr(old, name)) for name in names)
        ),
        ring=tuple(
            (np.where(which, 0.0, values), np.where(which, 0.0, weights))
            for values, weights in state.ring
        ),
    )
