"""What a worklist rule says of everybody on every day, and the numbers behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from yikao_alerts.daily import thresholds
from yikao_alerts.daily.arrays import Flags, Floats
from yikao_alerts.daily.glucose_days import GlucoseDays
from yikao_alerts.daily.grid import Grid
from yikao_alerts.daily.sessions import PressureDays
from yikao_alerts.daily.windowed import Window, window_of
from yikao_alerts.history import BLOOD_PRESSURE, UNITS
from yikao_alerts.limits import Limit
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import Mean
from yikao_alerts.rules.model import RuleSet

Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """Where a rule's condition holds and where it is over, (n, days), neither where it is not
    known; and what it rests on: `evidence(row, column)`."""

    holds: Flags
    over: Flags
    evidence: Callable[[int, int], Evidence]


@dataclass(frozen=True, slots=True)
class Panel:
    """The days of some residents and who they are."""

    grid: Grid
    residents: Sequence[Resident]
    rules: RuleSet
    spread_limits: Floats | None = None
    """(days,) mmHg, see `spread.top_decile`."""
    known: dict[Any, Window | None] = field(default_factory=dict)
    """Windows that a rule has asked for before."""
    targets: dict[int, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    """Targets of the residents by year, likewise."""

    def window(self, kind: str, form: Mean) -> Window | None:
        """Return the windows of a rule on means, worked out once."""
        key = (kind, form.contexts, form.days, form.drop_first)
        if key not in self.known:
            self.known[key] = window_of(self.grid, kind, form)
        return self.known[key]

    def units(self, kind: str) -> list[str]:
        """Return (n,) the unit in which each resident's means of a kind are taken."""
        first, second = UNITS[kind]
        days = self.grid.pressure if kind == BLOOD_PRESSURE else self.grid.glucose
        other = None
        if isinstance(days, PressureDays):
            other = days.kpa
        elif isinstance(days, GlucoseDays):
            other = days.mg_dl
        if other is None:
            return [first] * len(self.residents)
        return [second if each else first for each in other.tolist()]

    def numbers(self, limit: Limit, units: Sequence[str]) -> Floats:
        """Return (n, days) what the limit is for each resident on each day."""
        found = np.empty((len(self.residents), self.grid.days))
        for year, columns in self.grid.years():
            own = thresholds.numbers(limit, units, self._targets(year))
            found[:, columns] = own[:, None]
        return found

    def _targets(self, year: int) -> Sequence[Mapping[str, float]]:
        if year not in self.targets:
            self.targets[year] = thresholds.targets_of(self.residents, self.rules, year)
        return self.targets[year]
