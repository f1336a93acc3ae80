"""What findings cost a doctor: pages, tasks for today and worklist entries, one for each episode.

An episode is what a resident goes through in one family of rules. A later finding of the family
joins it for a day after its last evidence and asks for nobody again, unless it is worse. What is
odd about a reading itself asks for no doctor.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class _Episode:
    severity: int
    level: int
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
        severity = SEVERITIES.index(found.severity)
        load = OF_SEVERITY.get(found.severity)
        if found.lane == DAILY:
            # An entry of the worklist is open until it ends: what opens it is found once.
            if load is not None:
                yield Asked(load, found)
            continue
        episode = open_now.get(found.family or "")
        if episode is not None and found.at - episode.last_evidence > JOINS_WITHIN:
            episode = None
        worse = episode is None or (severity, found.level) > (episode.severity, episode.level)
        if worse and load is not None:
            yield Asked(load, found)
        open_now[found.family or ""] = _joined(episode, found, severity)


def _joined(episode: _Episode | None, found: Found, severity: int) -> _Episode:
    if episode is None:
        return _Episode(severity, found.level, found.at)
    worst = max((episode.severity, episode.level), (severity, found.level))
    return replace(
        episode,
        severity=worst[0],
        level=worst[1],
        last_evidence=max(episode.last_evidence, found.at),
    )
