"""Made-up days and readings for the tests of the daily lane."""

import numpy as np

from yikao_alerts.daily.sessions import PressureColumns
from yikao_alerts.daily.trend import DayParts

FIRST_DAY = 20_000
MINUTES_PER_DAY = 1440


def parts(
    residents: int,
    days: int,
    seed: int,
    *,
    am: float = 0.7,
    pm: float = 0.6,
    rise: float = 0.0,
    at: int = 0,
) -> DayParts:
    """Return days of people around 132 mmHg who measure with those probabilities."""
    random = np.random.default_rng(seed)
    level = random.normal(132, 12, residents)[:, None] + rise * (np.arange(days) >= at)
    morning = level + 3 + random.normal(0, 8, (residents, days))
    evening = level + random.normal(0, 8, (residents, days))
    morning[random.random(morning.shape) >= am] = np.nan
    evening[random.random(evening.shape) >= pm] = np.nan
    return DayParts(FIRST_DAY, np.asfortranarray(morning), np.asfortranarray(evening))


def days_of(whole: DayParts, first: int, last: int) -> DayParts:
    """Return the days from `first` to before `last`, by column."""
    return DayParts(whole.first_day + first, whole.am[:, first:last], whole.pm[:, first:last])


def columns(rows: list[tuple[int, int, float, float, float]]) -> PressureColumns:
    """Return readings given as (resident, minute, systolic, diastolic, pulse)."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return PressureColumns(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        table[:, 2],
        table[:, 3],
        table[:, 4],
    )


def minute(day: int, clock: str) -> int:
    """Return the local minute of a clock time on day `day` after the first one."""
    hours, minutes = clock.split(":")
    return (FIRST_DAY + day) * MINUTES_PER_DAY + int(hours) * 60 + int(minutes)
