"""What does all of it cost a doctor? The whole of detection over half a year of a town.

The town is written as a file and given to the back-test with the shipped rules, both lanes. Pages,
tasks and entries are counted as one per episode; beside them what one plain threshold would do.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from gates_days import Advanced
from gates_figures import Figure, at_most, per_weeks

from yikao_alerts.backtest.burden import Load, asked
from yikao_alerts.backtest.people import read_people
from yikao_alerts.backtest.run import Job, Result, backtest_file
from yikao_alerts.rules import load_rules
from yikao_sim.town.people import Town
from yikao_sim.town.readings import block_of
from yikao_sim.town.write import (
    READINGS_HEAD,
    RESIDENTS_HEAD,
    calendar,
    name_of,
    reading_lines,
    resident_lines,
)

DAYS = 182
WEEKS = DAYS / 7
YEAR = date(2025, 1, 1)
NAIVE = (135.0, 150.0, 160.0, 180.0)
SHOWN = 6
"""Rules named apart for each kind of load; the others are in the sum."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of town."""

    name: str
    diabetes: float
    insulin: float
    barred: bool


KINDS = (
    Kind("pressure only", 0.0, 0.0, barred=True),
    Kind("three in ten with diabetes, on tablets", 0.3, 0.0, barred=True),
    Kind("three in ten with diabetes, on insulin", 0.3, 1.0, barred=False),
)


def figures(people: int, seeds: Sequence[int], advanced: Advanced) -> Iterator[Figure]:
    """Yield all figures of what is asked of a doctor."""
    yield from _naive(people, seeds)
    for kind in KINDS:
        towns = [
            Town(people, DAYS, seed, diabetes=kind.diabetes, insulin=kind.insulin) for seed in seeds
        ]
        found = [_loads(town, advanced) for town in towns]
        for load in Load:
            counts = np.concatenate([_per_person(town, own, load) for town, own in found])
            bar = at_most(2.0) if kind.barred and load is Load.PAGE else None
            name = load.replace("_", " ")
            yield per_weeks(f"{name}, {kind.name}", counts, WEEKS, 100, bar=bar)
            rules = Counter(rule for _, own in found for _, what, rule in own if what is load)
            for rule, _ in rules.most_common(SHOWN):
                own = np.concatenate([_per_person(town, each, load, rule) for town, each in found])
                yield per_weeks(f"of these {name} by {rule}, {kind.name}", own, WEEKS, 100)


Asks = list[tuple[str, Load, str]]
"""Who was asked about, for what, and by which rule."""


def _loads(town: Town, advanced: Advanced) -> tuple[Town, Asks]:
    result = backtested(town, advanced)
    return town, [(a.by.resident, a.load, a.by.rule) for a in asked(result.findings[0])]


def backtested(town: Town, advanced: Advanced) -> Result:
    """Return what the back-test finds in a town, through the files that people would give it."""
    with TemporaryDirectory(prefix="yikao-town-") as name:
        readings, residents = Path(name) / "readings.csv", Path(name) / "residents.csv"
        days = calendar(YEAR, town.days)
        with readings.open("w") as file, residents.open("w") as who:
            file.write(READINGS_HEAD)
            who.write(RESIDENTS_HEAD)
            for number in range(town.blocks):
                block = block_of(town, number)
                file.writelines(reading_lines(block, days))
                who.writelines(resident_lines(block))
                advanced(town.size(number))
        return backtest_file(readings, Job((load_rules(),), read_people(residents)))


def _per_person(town: Town, asks: Asks, load: Load, rule: str | None = None) -> np.ndarray:
    number = {name_of(person): person for person in range(town.people)}
    counts = np.zeros(town.people)
    for resident, what, by in asks:
        counts[number[resident]] += what is load and rule in (None, by)
    return counts


def _naive(people: int, seeds: Sequence[int]) -> Iterator[Figure]:
    """Yield the days with an alert, had every reading from a limit on been one."""
    for limit in NAIVE:
        days = [
            (block_of(town, number).systolic >= limit).any(axis=(2, 3)).sum(axis=1)
            for town in (Town(people, DAYS, seed) for seed in seeds)
            for number in range(town.blocks)
        ]
        name = f"days with an alert, every reading of {limit:.0f} or more"
        yield per_weeks(name, np.concatenate(days), WEEKS, 100)
