"""The record of a closed day: which numbers the rules looked at, and what opened and ended.

Bytes in a fixed order, chained like those of the acute lane (`record.py`). The readings themselves
are not repeated: the days are computed from them again, and compared with what stands here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np

from yikao_alerts.closing import Closed
from yikao_alerts.daily.arrays import Marks
from yikao_alerts.daily.worklist import DailyFinding
from yikao_alerts.resident import Resident

VERSION: Final = 2
"""2: with what people had done."""
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class DayGiven:
    """Whose days were looked at, when, and which: from `first` to `last` (since 1970-01-01)."""

    patient_id: int
    resident: Resident
    now: datetime
    first: int
    last: int


def day_body(
    seq: int,
    given: DayGiven,
    rules: tuple[str, str],
    closed: Closed,
    row: int,
    said: tuple[Sequence[DailyFinding], str],
) -> bytes:
    """Return the canonical bytes of what a row of closed days said.

    rules: their digest, and the code's version. said: what opened and ended, and the label.
    """
    grid, resident = closed.grid, given.resident
    column = given.first - grid.first_day
    pressure, glucose = grid.pressure, grid.glucose
    assert pressure is not None and glucose is not None, "days are closed of both"
    days = [
        *(getattr(pressure, name)[row, column:] for name in ("am", "pm")),
        *(getattr(pressure, name)[row, column:] for name in ("am_diastolic", "pm_diastolic")),
        *(part.count[row, column:] for part in (pressure.morning, pressure.evening)),
        glucose.fasting[row, column:],
    ]
    told = (closed.told.pressure[row, column:], closed.told.glucose[row, column:])
    findings, label = said
    return _ENCODER.encode(
        (
            VERSION,
            seq,
            given.patient_id,
            given.now,
            *rules,
            (
                resident.birth_year,
                resident.sex,
                resident.groups,
                dict(resident.targets),
                resident.options,
            ),
            (given.first, given.last),
            [_plain(values) for values in days],
            [_marked(given.first, values) for values in told],
            [(f.rule_id, f.day, f.severity, f.event, f.evidence) for f in findings],
            label,
        )
    )


def _plain(values: Any) -> list[float | int | None]:
    """Return a row of numbers, None for those that are not there."""
    return [None if np.isnan(value) else value for value in values.tolist()]


def _marked(first: int, marks: Marks) -> list[tuple[int, int]]:
    """Return the days of a row on which something was done, and what, as bits of `Mark`."""
    return [(first + column, int(marks[column])) for column in np.flatnonzero(marks).tolist()]
