"""One look at one resident: what is worth judging, what was said when, and at what time we look.

Most readings are ordinary and no rule can be met by them; they are set aside at first sight
(`quiet.py`) and looked at again only beside those that are not. A value whose unit is in doubt is
looked at in each unit in which it could be real (rule DQ-02).
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Final

from yikao_alerts.history import UNITS, History, Measurement, Symptoms
from yikao_alerts.plan import Plan, plan_of
from yikao_alerts.quiet import SYMPTOM_WINDOW
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import Doubt
from yikao_alerts.rules.model import Rule, RuleSet
from yikao_alerts.series import Series, Session, series_of

NO_SERIES: Final = Series()


@dataclass(frozen=True)
class View:
    """What there is to judge.

    loud: readings that may matter, the implausible ones too. doubtful: keys of those whose unit is
    in doubt. twins: what such readings would be in another unit, by kind.
    """

    history: History
    resident: Resident
    rules: RuleSet
    plan: Plan
    now: datetime
    loud: tuple[Measurement, ...]
    doubtful: frozenset[str]
    twins: Mapping[str, Series]

    @property
    def day(self) -> date:
        """The day on which ages are counted."""
        return self.now.date()

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of reading that there is something to say about."""
        return (frozenset(m.kind for m in self.loud) | self.twins.keys()) & self.plan.glances.keys()

    def firsts(self, kind: str) -> Iterator[tuple[Rule, list[Measurement]]]:
        """Yield each rule on a kind of reading with those that may meet it, in order of time:
        plausible, in a known unit, and near its limits. Of readings at the practice only what is a
        crisis."""
        for rule, found in self.plan.glances[kind].dealt(self._plausible.get(kind, ())):
            yield rule, found if rule.is_crisis else [m for m in found if m.at_home]

    @cached_property
    def _plausible(self) -> dict[str, list[Measurement]]:
        return _by_kind(self.loud)

    def series(self, kind: str) -> Series:
        """Return all plausible readings of a kind in a known unit that were measured at home."""
        return self._series.get(kind, NO_SERIES)

    def everywhere(self, kind: str) -> Series:
        """Return the same with those at the practice: what confirms or ends a crisis."""
        return self._everywhere.get(kind, NO_SERIES)

    @cached_property
    def _series(self) -> dict[str, Series]:
        by_kind = _by_kind(m for m in self.history.measurements if m.at_home)
        return {kind: series_of(by_kind[kind]) for kind in by_kind}

    @cached_property
    def _everywhere(self) -> dict[str, Series]:
        if all(m.at_home for m in self.history.measurements):
            return self._series
        by_kind = _by_kind(self.history.measurements)
        return {kind: series_of(by_kind[kind]) for kind in by_kind}

    def sessions(self, kind: str) -> list[Session]:
        """Return the sittings of a kind of reading in which one is loud."""
        if kind not in self._sessions:
            loud = {m.key for m in self._plausible.get(kind, ())}
            self._sessions[kind] = self.series(kind).sessions(loud)
        return self._sessions[kind]

    @cached_property
    def _sessions(self) -> dict[str, list[Session]]:
        return {}

    def reported(self, codes: frozenset[str], at: datetime) -> tuple[Symptoms, ...]:
        """Return the reports of one of these symptoms that belong to a reading of that time."""
        if not codes or not self.history.symptoms:
            return ()
        start = bisect_left(self._reported_at, at - SYMPTOM_WINDOW)
        end = bisect_right(self._reported_at, at + SYMPTOM_WINDOW)
        return tuple(r for r in self.history.symptoms[start:end] if codes & r.codes)

    @cached_property
    def _reported_at(self) -> list[datetime]:
        return [report.at for report in self.history.symptoms]


def _by_kind(measurements: Iterable[Measurement]) -> dict[str, list[Measurement]]:
    """Return the plausible readings in a known unit, by kind."""
    by_kind: dict[str, list[Measurement]] = {}
    for m in measurements:
        if m.plausible and m.unit in UNITS.get(m.kind, ()):
            by_kind.setdefault(m.kind, []).append(m)
    return by_kind


def look(history: History, resident: Resident, rules: RuleSet, now: datetime) -> View:
    """Return what there is to judge at `now`."""
    plan = plan_of(rules, resident, now.year)
    loud = tuple(m for m in history.measurements if not _ordinary(m, plan, rules))
    doubts = {m.key: found for m in loud if (found := _doubts(m, plan, history))}
    odd = {m.key: m for m in loud if m.key in doubts or m.unit not in UNITS.get(m.kind, ())}
    twins: dict[str, list[Measurement]] = defaultdict(list)
    for m in odd.values():
        twins[m.kind] += _twins(m, doubts.get(m.key, ()), rules)
    held = {kind: series_of(readings) for kind, readings in twins.items() if readings}
    return View(history, resident, rules, plan, now, loud, frozenset(odd), held)


def _ordinary(measurement: Measurement, plan: Plan, rules: RuleSet) -> bool:
    """Return whether no rule can be met by a reading, and it came in time."""
    screen = plan.screens.get(measurement.kind)
    if screen is None or not screen.passes(measurement):
        return False
    age = measurement.received_at - measurement.at
    return -plan.future <= age <= rules.late.late_after and measurement.at.year >= plan.year_min


def _doubts(measurement: Measurement, plan: Plan, history: History) -> tuple[Doubt, ...]:
    asked = plan.doubts.get(measurement.kind, ())
    return tuple(doubt for doubt in asked if _in_doubt(measurement, doubt, history))


def _in_doubt(measurement: Measurement, doubt: Doubt, history: History) -> bool:
    value = measurement.values.get(doubt.field)
    return (
        value is not None
        and doubt.low <= value <= doubt.high
        and measurement.unit in (doubt.unit, "")
        and (not doubt.sources or measurement.source in doubt.sources)
        and (doubt.habit is None or history.unit_habit.get(measurement.kind) == doubt.habit)
    )


def _twins(
    measurement: Measurement, doubts: Iterable[Doubt], rules: RuleSet
) -> Iterator[Measurement]:
    """Yield the reading in each other unit in which it could be real.

    Nothing is converted: it is the same number, called by another unit.
    """
    known = UNITS.get(measurement.kind, ())
    said = measurement.unit in known
    for unit in sorted({doubt.other for doubt in doubts} if said else known):
        twin = replace(measurement, unit=unit, plausible=True)
        if rules.implausible(twin) is None:
            yield twin
