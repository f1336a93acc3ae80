"""Is a person shown as above 135 mmHg when the true level is, and does the label hold still?

From week 8 to 32 of each run, every day of every person: the label of the day against the true
usual level of the day. Beside it what plainer labels would do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from gates_days import Advanced, Days, days_of
from gates_figures import Figure, at_least, at_most, per_weeks
from gates_trend import DAYS, WATCHED_FROM, WEEKS

from yikao_alerts.daily import level
from yikao_sim.town.people import Town

LIMIT = 135.0
CLEAR = 5.0
"""Further than this from the limit nobody would argue about the label."""
WEEK = 7
READINGS_MIN = 12
HYSTERESIS = 5.0


@dataclass(frozen=True, slots=True)
class Labels:
    """A label each day `(n, days)` of the watched days, where there is one."""

    name: str
    above: np.ndarray
    there: np.ndarray
    bars: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)


def figures(people: int, seeds: Sequence[int], advanced: Advanced) -> Iterator[Figure]:
    """Yield all figures of labels."""
    towns = [days_of(Town(people, DAYS, seed), advanced) for seed in seeds]
    truth = np.concatenate([days.level for days in towns])[:, WATCHED_FROM:]
    for kinds in zip(*(list(_labels(days)) for days in towns), strict=True):
        above, there = (
            np.concatenate([getattr(each, name) for each in kinds])[:, WATCHED_FROM:]
            for name in ("above", "there")
        )
        yield from _judged(Labels(kinds[0].name, above, there, kinds[0].bars), truth)


def _labels(days: Days) -> Iterator[Labels]:
    _, numbers = level.run(days.parts)
    known = ~np.isnan(numbers.level)
    bars = at_least(0.915), at_most(1.3)
    yield Labels("label (level with hysteresis)", numbers.above(LIMIT), known, bars)
    yield Labels("level alone", numbers.level >= LIMIT, known)
    mean, count = _mean7(days)
    yield Labels("7-day mean of 12 readings or more", mean >= LIMIT, count >= READINGS_MIN)
    held = _held(mean, count >= READINGS_MIN)
    yield Labels("the same with 5 mmHg of hysteresis", held, count >= READINGS_MIN)
    last = _last_session(days)
    yield Labels("last session", last >= LIMIT, ~np.isnan(last))


def _judged(labels: Labels, truth: np.ndarray) -> Iterator[Figure]:
    right = (labels.above == (truth >= LIMIT)) & labels.there
    clear = labels.there & (np.abs(truth - LIMIT) > CLEAR)
    yield _accuracy(f"{labels.name}: right", right, labels.there, labels.bars[0])
    yield _accuracy(
        f"{labels.name}: right where the truth is over 5 mmHg away", right & clear, clear, None
    )
    changes = _changes(labels.above, labels.there)
    yield per_weeks(f"{labels.name}: changes", changes, WEEKS, 100, bar=labels.bars[1])


def _accuracy(
    what: str, right: np.ndarray, there: np.ndarray, bar: tuple[float, float] | None
) -> Figure:
    """Return the share of days that are right; people, not days, are independent."""
    days, hits = there.sum(axis=1), right.sum(axis=1)
    value = hits.sum() / days.sum()
    # The ratio of two sums over people: its error by the delta method.
    error = np.sqrt(((hits - value * days) ** 2).sum()) / days.sum()
    half = 1.96 * error
    return Figure(what, value, value - half, value + half, "", days.size, "people", bar)


def _changes(above: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return how often each person's label changed, days without one left out, `(n,)`."""
    shown = np.zeros(above.shape[0], int)
    last = np.full(above.shape[0], -1)
    for column in range(above.shape[1]):
        now = np.where(there[:, column], above[:, column].astype(int), last)
        shown += (now != last) & (last >= 0)
        last = now
    return shown


def _mean7(days: Days) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of all readings of seven days and their number, `(n, days)`."""
    total = np.nan_to_num(days.total)
    sums, counts = (
        np.cumsum(np.pad(each, ((0, 0), (WEEK, 0))), axis=1) for each in (total, days.readings)
    )
    number = counts[:, WEEK:] - counts[:, :-WEEK]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums[:, WEEK:] - sums[:, :-WEEK]) / number, number


def _held(mean: np.ndarray, there: np.ndarray) -> np.ndarray:
    shown = np.zeros(mean.shape, bool)
    last = np.zeros(mean.shape[0], bool)
    for column in range(mean.shape[1]):
        today = mean[:, column]
        fresh = (today >= LIMIT) | (last & (today >= LIMIT - HYSTERESIS))
        last = np.where(there[:, column], fresh, last)
        shown[:, column] = last
    return shown


def _last_session(days: Days) -> np.ndarray:
    last = np.full(days.parts.am.shape, np.nan)
    seen = np.full(last.shape[0], np.nan)
    for column in range(last.shape[1]):
        for part in (days.parts.am[:, column], days.parts.pm[:, column]):
            seen = np.where(np.isnan(part), seen, part)
        last[:, column] = seen
    return last
