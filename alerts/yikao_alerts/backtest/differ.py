"""Two rule sets over the same readings: what is new, what is gone, what comes earlier or later.

Findings are matched episode by episode: those of one resident and rule with no more than a day
between one and the next are one episode, and an episode of the other set that overlaps it, or lies
within a day, is the same one. What only one of the sets counts twice is still one episode.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from yikao_alerts.backtest.burden import JOINS_WITHIN
from yikao_alerts.backtest.found import Found

SAME_TIME: Final = timedelta(0)
NEW: Final = "new"
GONE: Final = "gone"
EARLIER: Final = "earlier"
LATER: Final = "later"
CHANGES: Final = (NEW, GONE, EARLIER, LATER)


@dataclass(frozen=True, slots=True)
class Spell:
    """One episode of one rule in one resident: when it was first found, and its time."""

    resident: str
    rule: str
    severity: str
    found_at: datetime
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """One episode that the two sets see differently; `by` seconds earlier or later, else 0."""

    change: str
    spell: Spell
    by: timedelta = SAME_TIME

    def as_json(self, zone: ZoneInfo) -> dict[str, Any]:
        """Return the difference as it stands in the output."""
        shown: dict[str, Any] = {
            "change": self.change,
            "resident": self.spell.resident,
            "rule": self.spell.rule,
            "severity": self.spell.severity,
            "found_at": self.spell.found_at.astimezone(zone).isoformat(),
        }
        if self.change in (EARLIER, LATER):
            shown["by_s"] = self.by.total_seconds()
        return shown


def spells(findings: Iterable[Found]) -> list[Spell]:
    """Return the episodes of each rule in each resident, in order."""
    ordered = sorted(findings, key=lambda f: (f.resident, f.rule, f.at, f.found_at))
    made: list[Spell] = []
    for (resident, rule), own in groupby(ordered, key=lambda f: (f.resident, f.rule)):
        for group in _runs(list(own)):
            first = min(group, key=lambda f: (f.found_at, f.at))
            ends = min(f.at for f in group), max(f.at for f in group)
            made.append(Spell(resident, rule, first.severity, first.found_at, *ends))
    return made


def _runs(findings: Sequence[Found]) -> Iterator[list[Found]]:
    run: list[Found] = []
    for found in findings:
        if run and found.at - run[-1].at > JOINS_WITHIN:
            yield run
            run = []
        run.append(found)
    if run:
        yield run


def differences(new: Iterable[Found], old: Iterable[Found]) -> list[Difference]:
    """Return what `new` finds otherwise than `old`, in order of resident, rule and time."""
    ours, theirs = _by_rule(spells(new)), _by_rule(spells(old))
    found = [
        difference
        for place in sorted(ours.keys() | theirs.keys())
        for difference in _of_rule(ours.get(place, []), theirs.get(place, []))
    ]
    found.sort(key=lambda d: (d.spell.resident, d.spell.rule, d.spell.found_at, d.change))
    return found


def _by_rule(made: Iterable[Spell]) -> dict[tuple[str, str], list[Spell]]:
    found: dict[tuple[str, str], list[Spell]] = {}
    for spell in made:
        found.setdefault((spell.resident, spell.rule), []).append(spell)
    return found


def _of_rule(ours: Sequence[Spell], theirs: Sequence[Spell]) -> Iterator[Difference]:
    """Yield the differences between two rows of episodes, walking both by time."""
    left = list(theirs)
    for spell in ours:
        while left and left[0].last < spell.first - JOINS_WITHIN:
            yield Difference(GONE, left.pop(0))
        if left and left[0].first <= spell.last + JOINS_WITHIN:
            by = spell.found_at - left.pop(0).found_at
            if by != SAME_TIME:
                yield Difference(EARLIER if by < SAME_TIME else LATER, spell, abs(by))
        else:
            yield Difference(NEW, spell)
    for spell in left:
        yield Difference(GONE, spell)
