"""What number a limit is for each resident: in the unit of the own device, with the own target."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np

from yikao_alerts.daily.arrays import Flags, Floats
from yikao_alerts.limits import OPERATORS, Limit
from yikao_alerts.resident import Resident
from yikao_alerts.rules.model import EVERYBODY, RuleSet, Who
from yikao_alerts.targets import effective_targets

KEPT: Final = 32_768
"""Targets kept, of so many residents and years; of more they are worked out anew."""


def numbers(limit: Limit, units: Sequence[str], targets: Sequence[Mapping[str, float]]) -> Floats:
    """Return (n,) the limit's number for each resident, NaN where it has none in that unit.

    units, targets: of each resident.
    """
    known: dict[tuple[float | None, str], float] = {}
    name = limit.target or ""
    asked = [(each.get(name), unit) for each, unit in zip(targets, units, strict=True)]
    for own, unit in set(asked):
        its = limit if own is None else limit.own({name: own})
        known[own, unit] = its.values.get(unit, np.nan)
    return np.array([known[each] for each in asked], dtype=np.float64)


def targets_of(
    residents: Sequence[Resident], rules: RuleSet, year: int
) -> list[Mapping[str, float]]:
    """Return the targets in force for each resident in a year, ages as at its beginning."""
    return [_targets(resident, rules, year) for resident in residents]


def met(who: Who, residents: Sequence[Resident], year: int) -> Flags:
    """Return (n,) whom a rule is for in a year; ages are reached at its beginning."""
    if who == EVERYBODY:
        return np.ones(len(residents), dtype=np.bool_)
    day = date(year, 1, 1)
    return np.array([who.met_by(resident, day) for resident in residents], dtype=np.bool_)


def reached(op: str, values: Floats, number: Floats) -> Flags:
    """Return where `values` reach `number`; what is not known never does."""
    answer: Flags = np.asarray(OPERATORS[op](values, number))  # type: ignore[arg-type]
    return answer


@lru_cache(maxsize=KEPT)
def _targets(resident: Resident, rules: RuleSet, year: int) -> Mapping[str, float]:
    return effective_targets(resident, rules, date(year, 1, 1))
