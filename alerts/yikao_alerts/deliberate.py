"""From an evaluation to what has to be done: pages that are due, tasks for next day, and when to
look again. All of it pure; the store does what is decided here. What is said at home: `prompts.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from yikao_alerts.compose import PageFacts, compose
from yikao_alerts.endings import CALMED, next_look_at
from yikao_alerts.episode import Change, Episode, Event, State
from yikao_alerts.escalation import Call, Policy, calls, due_calls
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.prompts import Ask, asks, next_day_task, next_morning
from yikao_alerts.roster import Care, Contact, Doctor
from yikao_alerts.rules.model import RuleSet

__all__ = [
    "Ask",
    "PageDue",
    "PageKnown",
    "Task",
    "asks",
    "look_again_at",
    "page_id",
    "pages_due",
    "tasks",
]

NAMESPACE: Final = UUID("0f2f6e5a-8f86-5c3b-a6b2-70616765726b")
"""Root of page ids: the same page computed twice is the same row."""


@dataclass(frozen=True, slots=True)
class PageDue:
    """One page to one contact of one doctor, due now."""

    page_id: UUID
    episode_id: int
    round: int
    step: int
    loop: int
    doctor: Doctor
    contact: Contact
    body: str


@dataclass(frozen=True, slots=True)
class PageKnown:
    """A page that exists: which call it belongs to, and what became of it."""

    step: int
    loop: int
    contact_position: int
    state: str


def page_id(episode: int, round_: int, call: tuple[int, int], doctor: str, contact: int) -> UUID:
    """Return the id of a page, the same whenever it is computed."""
    step, loop = call
    return uuid5(NAMESPACE, f"page|{episode}|{round_}|{step}|{loop}|{doctor}|{contact}")


def pages_due(
    episode: Episode,
    policies: Mapping[str, Policy],
    care: Care,
    known: list[PageKnown],
    now: datetime,
    *,
    late: bool = False,
) -> tuple[list[PageDue], datetime | None]:
    """Return the pages an episode needs now and does not have, and when it needs the next.

    Only an open episode pages. When a step's doctor could not be reached by any contact the next
    step is called at once. What was missed while nothing ran is not made up for: each doctor gets
    the newest of the calls that were meant for them.
    """
    policy = policies.get(episode.severity)
    if episode.state is not State.OPEN or policy is None:
        return [], None
    called, following = _calls(policy, episode, care, known, now)
    taken = {(page.step, page.loop) for page in known}
    newest = {care.who(call.who).doctor_id: call for call in called}
    wanted = [
        call
        for call in newest.values()
        if (call.step, call.loop) not in taken and care.who(call.who).contacts
    ]
    pages = [
        _page(episode, call, care, now, number, late)
        for number, call in enumerate(wanted, start=len(taken) + 1)
    ]
    return pages, following.due_at if following else None


def _calls(
    policy: Policy, episode: Episode, care: Care, known: list[PageKnown], now: datetime
) -> tuple[list[Call], Call | None]:
    """Return the calls whose turn has come, and the one whose time comes next.

    A step whose doctor cannot be reached hands its turn on to the next at once, unless a re-check
    has called that one already, and the steps after it move up; the last one has nobody to hand it
    to and waits for its repetition.
    """
    due, following = due_calls(policy, episode.level_since, now, care.zone, episode.tier)
    if not due:
        return [], following
    in_order = calls(policy, episode.level_since, care.zone, episode.tier)
    sequence = list(islice(in_order, len(due) + len(policy.steps)))
    steps = sequence[: len(policy.steps) - 1]
    unreachable = sum(_unreachable(call, care, known) for call in steps)
    handed_on = max(0, unreachable - episode.tier)
    return sequence[: len(due) + handed_on], following


def _unreachable(call: Call, care: Care, known: list[PageKnown]) -> bool:
    """Return whether each contact of the call's doctor, if any, was tried and failed for good."""
    states = {
        page.contact_position: page.state
        for page in known
        if (page.step, page.loop) == (call.step, call.loop)
    }
    contacts = care.who(call.who).contacts
    return all(states.get(contact.position) == "failed" for contact in contacts)


def _page(
    episode: Episode, call: Call, care: Care, now: datetime, count: int, late: bool
) -> PageDue:
    doctor = care.who(call.who)
    contact = doctor.contacts[0]
    facts = PageFacts(
        episode.episode_id,
        episode.severity,
        minutes=max(0, int((now - episode.level_since).total_seconds() // 60)),
        count=count,
        unconfirmed=episode.confirmed == "unconfirmed",
        late=late,
    )
    key = (call.step, call.loop)
    return PageDue(
        page_id(episode.episode_id, episode.round, key, doctor.doctor_id, contact.position),
        episode.episode_id,
        episode.round,
        call.step,
        call.loop,
        doctor,
        contact,
        compose(facts, doctor.language),
    )


@dataclass(frozen=True, slots=True)
class Task:
    """Something for people to do on a day, whatever else happens: an entry of the worklist.

    It is closed by whoever did it, never by readings.
    """

    rule_id: str
    severity: str
    day: date
    evidence: Mapping[str, str | int]


def tasks(done: Sequence[Change], rules: RuleSet, now: datetime, zone: ZoneInfo) -> list[Task]:
    """Return what has to be done next day: whoever had a crisis that was re-checked sees a doctor,
    even, and above all, when it went away."""
    calmed = [c.episode for c in done if c.event in (Event.NORMAL_AGAIN, Event.DOWNGRADED)]
    return [
        Task(
            episode.rule_id,
            CALMED,
            next_morning(now, zone).date(),
            {"what": "next_day_visit", "episode_id": episode.episode_id},
        )
        for episode in calmed
        if next_day_task(episode.rule_id, rules)
    ]


def look_again_at(
    evaluation: Evaluation, episodes: Sequence[Episode], others: Sequence[datetime | None]
) -> datetime | None:
    """Return the earliest time at which something may change, or is to be said, without a new
    reading; others: when the next pages and reminders are due."""
    times = [evaluation.look_again_at, *others, *(next_look_at(e) for e in episodes)]
    return min((at for at in times if at is not None), default=None)
