"""Does the trend detector find what happens, and how often does it cry wolf?

Weeks 8 to 32 of each run are watched for false alarms; the event is on day 112 and is looked for
during 56 days. Whoever rests after an earlier false alarm counts as not found.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from gates_days import Advanced, days_of, off_calendar, on_calendar, season_of
from gates_figures import NEVER, Figure, at_least, at_most, median, per_weeks, ratio, share

from yikao_alerts.daily import trend
from yikao_sim.town.events import EVENT_DAY, scenario_named
from yikao_sim.town.parameters import STRATA
from yikao_sim.town.people import Start, Town

DAYS = 224
WATCHED_FROM = 56
WEEKS = (DAYS - WATCHED_FROM) / 7
HORIZON = 56
EVENT_SEED = 500_000
"""Added for towns in which something happens: nobody there lives in the towns without events."""
FALSE_BAR = (0.8, 1.2)
OTHERS = {
    "step15": "+15 mmHg",
    "step20": "+20 mmHg",
    "step5": "+5 mmHg",
    "cuff10": "a cuff that shows 10 mmHg more",
    "ramp10": "+10 mmHg over 28 days",
}
"""Scenarios and what they are called."""
UP, DOWN = 1, -1


@dataclass(frozen=True, slots=True)
class Setting:
    """How a town starts, whether the season index is used, and which readings are lost."""

    name: str
    start: Start = "uniform"
    indexed: bool = False
    lost: float = 0.0


PLAIN = Setting("random start, no index")
ROLLING = Setting("random start, index", indexed=True)
INDEXED = Setting("July start, index", "july", True)
JANUARY = Setting("January start, index", "january", True)
JULY_BARE = Setting("July start, no index", "july")
LOST_30 = Setting("30 % lost, no index", lost=0.3)
LOST_50 = Setting("50 % lost, no index", lost=0.5)


@dataclass(frozen=True, slots=True)
class Alarms:
    """What the detector said, pooled over seeds: alarms `(n, days)`, strata `(n,)`."""

    alarm: np.ndarray
    shift: np.ndarray
    stratum: np.ndarray


def alarms(
    setting: Setting, scenario: str, people: int, seeds: Sequence[int], advanced: Advanced
) -> Alarms:
    """Return the detector's alarms on towns of `people` each."""
    found = []
    for seed in seeds:
        own_seed = seed + (EVENT_SEED if scenario != "none" else 0)
        town = Town(
            people,
            DAYS,
            own_seed,
            scenario_named(scenario),
            setting.start,
            lost=setting.lost,
        )
        season = season_of(DAYS, seed, setting.start) if setting.indexed else None
        days = days_of(town, advanced)
        rolling = setting.indexed and setting.start == "uniform"
        _, numbers = trend.run(on_calendar(days) if rolling else days.parts, season)
        said = (numbers.alarm, numbers.shift)
        own = (off_calendar(days, each) for each in said) if rolling else said
        found.append((*own, days.stratum))
    return Alarms(*(np.concatenate(column) for column in zip(*found, strict=True)))


def counts(found: Alarms, way: int, shift_min: float = -np.inf) -> np.ndarray:
    """Return how many alarms each person had in the watched weeks, with at least such a shift."""
    watched = found.alarm[:, WATCHED_FROM:] == way
    watched &= way * np.nan_to_num(found.shift[:, WATCHED_FROM:]) >= shift_min
    return watched.sum(axis=1)


def delays(found: Alarms, way: int) -> np.ndarray:
    """Return the days from the event to the first alarm, infinite beyond the horizon."""
    after = found.alarm[:, EVENT_DAY : EVENT_DAY + HORIZON + 1] == way
    return np.where(after.any(axis=1), after.argmax(axis=1), NEVER)


def figures(people: int, seeds: Sequence[int], advanced: Advanced) -> Iterator[Figure]:
    """Yield all figures of the trend."""
    for setting in (PLAIN, ROLLING, INDEXED, JANUARY):
        yield from false_alarms(setting, people, seeds, advanced)
    for setting in (PLAIN, ROLLING, INDEXED):
        yield from found(setting, people, seeds, advanced)
    for setting in (LOST_30, LOST_50, JULY_BARE):
        yield from _compared(setting, people, seeds, advanced)


def false_alarms(
    setting: Setting, people: int, seeds: Sequence[int], advanced: Advanced
) -> Iterator[Figure]:
    """Yield how often the detector speaks where nothing happens."""
    quiet = alarms(setting, "none", people, seeds, advanced)
    rates = [
        per_weeks(f"false {name}, {setting.name}", counts(quiet, way), WEEKS, 100, bar=FALSE_BAR)
        for way, name in ((UP, "rises"), (DOWN, "falls"))
    ]
    yield from rates
    yield ratio(f"false rises to falls, {setting.name}", *rates, bar=(0.7, 1.3))
    for number, stratum in enumerate(STRATA):
        own = counts(quiet, UP)[quiet.stratum == number]
        yield per_weeks(f"false rises, {stratum.name}, {setting.name}", own, WEEKS, 100)
    shown = counts(quiet, UP, 5.0), counts(quiet, DOWN, 8.0)
    yield per_weeks(f"of these rises of 5 mmHg or more, {setting.name}", shown[0], WEEKS, 100)
    yield per_weeks(f"of these falls of 8 mmHg or more, {setting.name}", shown[1], WEEKS, 100)


def found(
    setting: Setting,
    people: int,
    seeds: Sequence[int],
    advanced: Advanced,
    others: Iterable[str] = OTHERS,
) -> Iterator[Figure]:
    """Yield how soon +10 and -10 mmHg and the `others` are found."""
    ten_d = 13.0 if setting.indexed else 15.0
    rise = delays(both := alarms(setting, "step10", people, seeds, advanced), UP)
    first = median(f"+10 mmHg, {setting.name}", rise, "days", bar=at_most(ten_d))
    yield first
    for number, stratum in enumerate(STRATA):
        own = rise[both.stratum == number]
        yield median(f"+10 mmHg, {stratum.name}, {setting.name}", own, "days")
    yield _within(14, rise, f"+10 mmHg, {setting.name}")
    bar = at_least(0.80) if setting.indexed else at_least(0.70)
    yield _within(28, rise, f"+10 mmHg, {setting.name}", bar)
    fall = delays(alarms(setting, "step-10", people, seeds, advanced), DOWN)
    near = (first.value - 2, first.value + 2)
    yield median(f"-10 mmHg, {setting.name}", fall, "days", bar=near)
    bars = {"step15": at_most(8.0 if setting.indexed else 11.0)}
    bars |= {"ramp10": at_most(28.0)} if setting.indexed else {}
    for name in others:
        delay = delays(alarms(setting, name, people, seeds, advanced), UP)
        what = f"{OTHERS[name]}, {setting.name}"
        yield median(what, delay, "days", bar=bars.get(name))
        yield _within(28, delay, what)


def _compared(
    setting: Setting, people: int, seeds: Sequence[int], advanced: Advanced
) -> Iterator[Figure]:
    quiet = alarms(setting, "none", people, seeds, advanced)
    limit = at_most(1.1) if setting.lost == 0.3 else None
    yield per_weeks(f"false rises, {setting.name}", counts(quiet, UP), WEEKS, 100, bar=limit)
    yield per_weeks(f"false falls, {setting.name}", counts(quiet, DOWN), WEEKS, 100)
    delay = delays(alarms(setting, "step10", people, seeds, advanced), UP)
    late = at_most(19.0) if setting.lost == 0.3 else None
    yield median(f"+10 mmHg, {setting.name}", delay, "days", bar=late)
    yield _within(28, delay, f"+10 mmHg, {setting.name}")


def _within(
    days: int, delay: np.ndarray, what: str, bar: tuple[float, float] | None = None
) -> Figure:
    hits = int((delay <= days).sum())
    return share(f"{what}: found within {days} days", hits, delay.size, "people", bar=bar)
