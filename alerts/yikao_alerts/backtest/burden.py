"""What findings cost a doctor: pages, tasks for today and worklist entries, one for each episode.

An episode is what a resident goes through in one family of rules. A later finding of the family
joins it for a day after its last evidence and asks for nobody again, unless it is worse. What is
odd about a reading itself asks for no doctor.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

from yikao_alerts.backtest.found import DAILY, Found
from yikao_alerts.rules.model import SEVERITIES

JOINS_WITHIN: Final = timedelta(hours=24)
"""A finding of the family so long after the last evidence begins a new episode."""


class Load(StrEnum):
    """What somebody has to do."""

    PAGE = "pages"
    TASK = "today_tasks"
    ENTRY = "worklist_entries"


OF_SEVERITY: Final[Mapping[str, Load]] = {
    "page_now": Load.PAGE,
    "today": Load.TASK,
    "this_week": Load.ENTRY,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One time somebody is asked for: by which finding, and for what."""

    load: Load
    by: Found


_WEIGHTS: Final[Mapping[str, int]] = {name: number for number, name in enumerate(SEVERITIES)}


@dataclass(frozen=True, slots=True)
class _Episode:
    worst: tuple[int, int]
    """The weight of its severity, and the level in the family."""
    last_evidence: datetime


def asked(findings: Iterable[Found]) -> Iterator[Asked]:
    """Yield each time somebody is asked for, resident by resident.

    findings: of a resident together, in any order.
    """
    for _, own in groupby(findings, key=lambda found: found.resident):
        by_time = sorted(own, key=lambda found: (found.found_at, found.at, found.rule))
        yield from _of_resident(f for f in by_time if f.family is not None or f.lane == DAILY)


def _of_resident(findings: Iterable[Found]) -> Iterator[Asked]:
    open_now: dict[str, _Episode] = {}
    for found in findings:
        load = OF_SEVERITY.get(found.severity)
        if found.lane == DAILY:
            # An entry of the worklist is open until it ends: what opens it is found once.
            if load is not None:
                yield Asked(load, found)
            continue
        family = found.family or ""
        worst, last = (_WEIGHTS[found.severity], found.level), found.at
        episode = open_now.get(family)
        if episode is not None and last - episode.last_evidence > JOINS_WITHIN:
            episode = None
        if load is not None and (episode is None or worst > episode.worst):
            yield Asked(load, found)
        if episode is not None:
            worst, last = max(episode.worst, worst), max(episode.last_evidence, last)
        open_now[family] = _Episode(worst, last)
