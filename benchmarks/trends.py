"""The daily lane: patient-days a second of the trend detector, two years of ten thousand people.

Beside the detector stand its formulas alone in numpy, on the same days in the same run: no marks,
no rests, no asking, no state to store, nothing kept but the number of alarms.
"""

import resource
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
from table import RUNS, Figure

from yikao_alerts.daily import level, trend
from yikao_alerts.daily.evening import daily_values
from yikao_alerts.daily.grid import Grid
from yikao_alerts.daily.parameters import DIASTOLIC_LEVEL, PRESSURE
from yikao_alerts.daily.season import Season
from yikao_alerts.daily.sessions import PressureColumns, pressure_days
from yikao_alerts.daily.trend import DayParts
from yikao_alerts.daily.worklist import worklist
from yikao_alerts.resident import Resident
from yikao_alerts.rules import load_rules

FIRST_DAY = 20_000
MINUTES_PER_DAY = 1440
RESIDENTS, DAYS = 10_000, 200
TWO_YEARS = 730
READ_MORNING, READ_EVENING, READ_TWICE = 0.63, 0.55, 0.8
"""About 14.5 readings a patient-week, the mean of the simulated adherence."""


def figures() -> Iterator[Figure]:
    """Yield the daily lane's figures."""
    parts = _parts(RESIDENTS, DAYS)
    count = RESIDENTS * DAYS
    ours, bare = _rates(count, lambda: trend.run(parts), lambda: _bare(parts.am, parts.pm))
    yield Figure("trend, 10,000 together", ours, "patient-days/core s", "the formulas alone", bare)
    alone = DayParts(FIRST_DAY, parts.am[:1], parts.pm[:1])
    (single,) = _rates(DAYS, lambda: trend.run(alone))
    yield Figure("trend, one by one", single, "patient-days/core s")
    seconds, readings = _two_years()
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    what = f"daily lane, {RESIDENTS:,} x 2 years, {readings / 1e6:.1f} M readings"
    yield Figure(what, seconds, "core s", f"peak {peak_gb:.1f} GB with the readings")


def _rates(count: int, *works: Callable[[], object]) -> list[float]:
    """Return the median rate of each per second of one core, taken in turn: the same for all."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(RUNS):
        for work, own in zip(works, seconds, strict=True):
            began = time.process_time()
            work()
            own.append(time.process_time() - began)
    return [count / statistics.median(own) for own in seconds]


def _parts(residents: int, days: int) -> DayParts:
    random = np.random.default_rng(1)
    usual = random.normal(132, 12, residents)[:, None]
    halves = []
    for read in (READ_MORNING, READ_EVENING):
        values = usual + random.normal(0, 8, (residents, days))
        values[random.random((residents, days)) >= read] = np.nan
        halves.append(np.asfortranarray(values))
    return DayParts(FIRST_DAY, *halves)


def _bare(am: np.ndarray, pm: np.ndarray) -> int:
    """Return how many alarms the formulas give: level, spread, score and two sums, day by day."""
    residents, days = am.shape
    zero = np.zeros(residents)
    offset_sum, offset_n, w, s, q = zero, zero, zero, zero, zero
    v, m = zero + 5 * 49.0, zero + 5.0
    learned, up, down, alarms = zero, zero, zero, 0
    first = np.full(residents, -1)
    ring = [(zero, zero)] * 14
    recent = np.zeros(residents, dtype=np.uint32)
    g, kept = 1 - 1 / 56, 1 - 1 / 120
    with np.errstate(all="ignore"):
        for day in range(days):
            a, p = am[:, day], pm[:, day]
            both = ~np.isnan(a + p)
            offset_sum = offset_sum + np.where(both, np.clip(a - p, -40, 40), 0)
            offset_n = offset_n + both
            a = a - (offset_sum + 18) / (offset_n + 6)
            x = np.where(np.isnan(a), p, np.where(np.isnan(p), a, (a + p) / 2))
            seen = ~np.isnan(x)
            first = np.where(seen & (first < 0), day, first)
            old, weight = ring[day % 14]
            ring[day % 14] = (np.where(seen, x, 0), np.where(both, 1.0, np.where(seen, 0.7, 0)))
            w, s, q = w * g, s * g, q * g * g
            mu = np.where(w > 0, s / w, old)
            bound = np.where(learned < 3, 20.0, 2.5 * np.sqrt(v / m))
            c = np.clip(old - mu, -bound, bound)
            w, s, q = w + weight, s + weight * (mu + c), q + weight * weight
            known = (weight > 0) & (learned >= 3)
            own = 1.12 * weight * c * c / (1 + 1 / w)
            v = np.where(known, v * kept + 245 * (1 - kept) + own, v)
            m = np.where(known, m * kept + 5 * (1 - kept) + weight, m)
            learned = learned + (weight > 0)
            share = np.where(both, 0.9, 1.25) + 1.3 * q / (w * w)
            z = np.clip((x - s / w) / np.sqrt(v / m * share), -2.5, 2.5)
            counts = seen & (learned >= 8) & (day - first >= 56)
            up = np.where(counts, np.maximum(0, up + z - 0.75), up)
            down = np.where(counts, np.maximum(0, down - z - 0.75), down)
            recent = (recent << np.uint32(1)) & np.uint32(2**28 - 1) | seen
            read = np.bitwise_count(recent)
            h = np.where(read >= 20, 5.4, np.where(read >= 10, 4.0, 3.3))
            rises, falls = up >= h, down >= h
            alarms += int(rises.sum() + falls.sum())
            up, down = np.where(rises, 0, up), np.where(falls, 0, down)
    return alarms


def _two_years() -> tuple[float, int]:
    """Return the core seconds from readings to worklist, and the number of readings."""
    readings = _readings(RESIDENTS, TWO_YEARS)
    people = [Resident(birth_year=1940 + each % 40) for each in range(RESIDENTS)]
    rules = load_rules()
    began = time.process_time()
    days = pressure_days(readings, RESIDENTS, FIRST_DAY, TWO_YEARS)
    season = Season.of(FIRST_DAY, daily_values(days.am, days.pm, PRESSURE))
    grid = Grid(
        FIRST_DAY,
        TWO_YEARS,
        pressure=days,
        systolic_trend=trend.run(days.systolic(), season)[1],
        systolic_level=level.run(days.systolic())[1],
        diastolic_level=level.run(days.diastolic(), parameters=DIASTOLIC_LEVEL)[1],
    )
    worklist(grid, people, rules)
    return time.process_time() - began, readings.minute.size


def _readings(residents: int, days: int) -> PressureColumns:
    """Return sorted readings of everybody."""
    random = np.random.default_rng(2)
    columns = []
    for start, read in ((7 * 60, READ_MORNING), (20 * 60, READ_EVENING)):
        resident, day = np.nonzero(random.random((residents, days)) < read)
        minute = (FIRST_DAY + day) * MINUTES_PER_DAY + start + random.integers(0, 60, day.size)
        twice = random.random(day.size) < READ_TWICE
        columns += [(resident, minute), (resident[twice], minute[twice] + 1)]
    resident, minute = (np.concatenate(each) for each in zip(*columns, strict=True))
    order = np.lexsort((minute, resident))
    resident, minute = resident[order], minute[order]
    usual = random.normal(132, 12, residents)[resident]
    systolic, diastolic, pulse = (
        np.rint(middle + random.normal(0, sd, resident.size))
        for middle, sd in ((usual, 8.0), (usual - 52.0, 6.0), (70.0, 8.0))
    )
    return PressureColumns(resident, minute, systolic, diastolic, pulse)
