"""Does the trend of fasting glucose find a rise, for people on tablets and on insulin?

The detector of the pressures on 100 x the logarithm, so that 10 is about 10 %; no season.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from gates_days import Advanced
from gates_figures import Figure, median, per_weeks
from gates_trend import DAYS, EVENT_SEED, UP, WEEKS, Alarms, counts, delays

from yikao_alerts.daily import trend
from yikao_alerts.daily.parameters import GLUCOSE, GLUCOSE_INSULIN, TrendParameters
from yikao_alerts.daily.trend import DayParts
from yikao_sim.town.events import scenario_named
from yikao_sim.town.parameters import Parameters, Sugar
from yikao_sim.town.people import Town
from yikao_sim.town.readings import block_of
from yikao_sim.town.sugar import fasting_glucose

PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Group:
    """People of one treatment who measure so often a week, and what happens to them."""

    name: str
    insulin: float
    often: float
    parameters: TrendParameters
    scenarios: tuple[str, ...]


GROUPS = (
    Group("tablets, 7 a week", 0.0, 1.0, GLUCOSE, ("glucose20", "glucose30")),
    Group("tablets, 3 a week", 0.0, 0.0, GLUCOSE, ("glucose20", "glucose30")),
    Group("insulin, 7 a week", 1.0, 1.0, GLUCOSE_INSULIN, ("glucose30", "glucose50")),
)


def figures(people: int, seeds: Sequence[int], advanced: Advanced) -> Iterator[Figure]:
    """Yield all figures of fasting glucose."""
    for group in GROUPS:
        quiet = _alarms(group, "none", people, seeds, advanced)
        yield per_weeks(f"false rises of glucose, {group.name}", counts(quiet, UP), WEEKS, 100)
        for scenario in group.scenarios:
            delay = delays(_alarms(group, scenario, people, seeds, advanced), UP)
            what = scenario.replace("glucose", "glucose +")
            yield median(f"{what} %, {group.name}", delay, "days")


def _alarms(
    group: Group, scenario: str, people: int, seeds: Sequence[int], advanced: Advanced
) -> Alarms:
    sugar = replace(Sugar(), often_share=group.often)
    found = []
    for seed in seeds:
        town = Town(
            people,
            DAYS,
            seed + (EVENT_SEED if scenario != "none" else 0),
            scenario_named(scenario),
            diabetes=1.0,
            insulin=group.insulin,
            parameters=Parameters(sugar=sugar),
        )
        numbers = trend.run(_parts(town, advanced), parameters=group.parameters)[1]
        found.append((numbers.alarm, numbers.shift, np.zeros(people, int)))
    return Alarms(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _parts(town: Town, advanced: Advanced) -> DayParts:
    """Return 100 x the logarithm of the day's fasting glucose, as a value that needs no offset."""
    blocks = []
    for number in range(town.blocks):
        blocks.append(fasting_glucose(block_of(town, number)).measured)
        advanced(town.size(number))
    values = np.asfortranarray(PERCENT * np.log(np.concatenate(blocks).astype(np.float64)))
    return DayParts(0, np.full_like(values, np.nan), values)
