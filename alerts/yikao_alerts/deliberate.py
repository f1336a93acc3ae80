"""From an evaluation to what has to be done: pages that are due, tasks for next day, and when to
look again. All of it pure; the store does what is decided here. What is said at home: `prompts.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from yikao_alerts.channels.kinds import KIND_OF
from yikao_alerts.compose import PageFacts, compose, private
from yikao_alerts.endings import CALMED, next_look_at
from yikao_alerts.episode import Change, Episode, Event, State
from yikao_alerts.escalation import BESIDE, Call, Chain, Policy, newest
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.prompts import Ask, asks, next_day_task, next_morning
from yikao_alerts.roster import SPECIALIST, Care, Contact, Doctor, specialty_role
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
    "specialty_of",
    "tasks",
]

NAMESPACE: Final = UUID("0f2f6e5a-8f86-5c3b-a6b2-70616765726b")
"""Root of page ids: the same page computed twice is the same row."""
COLLECTED: Final = timedelta(seconds=60)
"""So long after its time a digest goes out: residents are looked at one after another, and all of
one doctor's are to be due together."""


@dataclass(frozen=True, slots=True)
class PageDue:
    """One page to one contact of one doctor. `due_at`: at once, or when its digest goes out."""

    page_id: UUID
    episode_id: int
    round: int
    step: int
    loop: int
    doctor: Doctor
    contact: Contact
    by: str | None
    due_at: datetime
    facts: PageFacts
    body: str


@dataclass(frozen=True, slots=True)
class News:
    """What the readings say at this moment: whether they came late, and their values in words."""

    late: bool
    measured: str


@dataclass(frozen=True, slots=True)
class PageKnown:
    """A page that exists: which call it belongs to, whose it is, what became of it, and since when
    it exists.

    doctor_id: empty for one to the family.
    """

    step: int
    loop: int
    contact_position: int
    state: str
    doctor_id: str
    called_at: datetime


def page_id(episode: int, round_: int, call: tuple[int, int], doctor: str, contact: int) -> UUID:
    """Return the id of a page, the same whenever it is computed."""
    step, loop = call
    return uuid5(NAMESPACE, f"page|{episode}|{round_}|{step}|{loop}|{doctor}|{contact}")


def pages_due(
    episode: Episode,
    policies: Mapping[str, Policy],
    care: Care,
    known: Sequence[PageKnown],
    now: datetime,
    *,
    late: bool = False,
    measured: str = "",
    specialty: str | None = None,
) -> tuple[list[PageDue], datetime | None]:
    """Return the pages an episode needs now and does not have, and when it needs the next.

    Only an open episode pages. When a step's doctor could not be reached by any contact the next
    step is called at once. What was missed while nothing ran is not made up for: each doctor gets
    the newest of the calls that were meant for them. Who is on call is asked of `care` for now.
    measured: what was measured, told where the centre's policy allows. specialty: which specialists
    are called beside the chain, where the centre has such.
    """
    policy = policies.get(episode.severity)
    if episode.state is not State.OPEN or policy is None:
        return [], None
    care = care.handed_to(episode.handed_to)
    chain = Chain(policy, episode.level_since, care.zone, episode.tier)
    number = chain.due(now)
    called = newest(chain, number + _handed_on(chain, care, known, now)) if number else []
    following = [chain.call(number).due_at]
    if care.asks(specialty):
        beside = [_of(specialty, call) for call in chain.beside()]
        called += [call for call in beside if call.due_at <= now]
        following += [call.due_at for call in beside if call.due_at > now]
    out = [replace(call, due_at=_goes_out(policy, call, now)) for call in called]
    news = News(late, measured)
    return _pages(episode, out, care, known, now, news), min(following)


def _goes_out(policy: Policy, call: Call, now: datetime) -> datetime:
    if not policy.digest_at:
        return now
    return max(now, min(call.due_at, now) + COLLECTED)


def specialty_of(episode: Episode, rules: RuleSet) -> str | None:
    """Return which specialists an episode's rule asks for beside the chain, if any."""
    asking = {rule.id for rule in rules.rules if rule.obstetric}
    return "obstetric" if episode.rule_id in asking else None


def _of(specialty: str | None, call: Call) -> Call:
    specialist = call.who == SPECIALIST
    return replace(call, who=specialty_role(specialty)) if specialist else call


def _handed_on(chain: Chain, care: Care, known: Sequence[PageKnown], now: datetime) -> int:
    """Return how many calls are made before their time, in place of some that reached nobody.

    A step whose doctor cannot be reached hands its turn on to the next at once, and the steps after
    it move up; the last one has nobody to hand it to and waits for its repetition. Nor is anything
    handed on by a step that was called when the next was due too, for a re-check or after an
    outage: that one has its own call.
    """
    tried: dict[int, list[PageKnown]] = {}
    for page in known:
        if page.loop == 0:
            tried.setdefault(page.step, []).append(page)
    return sum(
        _unreachable(care.who(step.who, now), tried.get(number, []))
        and not _called_late(tried.get(number, []), chain.call(number + 1))
        for number, step in enumerate(chain.policy.steps[:-1])
    )


def _called_late(tried: Sequence[PageKnown], following: Call) -> bool:
    """Return whether a step was called only when the one after it was due as well."""
    return bool(tried) and min(page.called_at for page in tried) >= following.due_at


def _unreachable(doctor: Doctor, tried: Sequence[PageKnown]) -> bool:
    """Return whether each contact of the step's doctor, if any, was tried and failed for good."""
    if not tried:
        return not doctor.contacts
    # Whose turn it was is on the page: since then somebody else may be on call.
    left = doctor.contacts if tried[0].doctor_id in ("", doctor.doctor_id) else ()
    failed = {page.contact_position for page in tried if page.state == "failed"}
    return len(failed) == len(tried) and all(contact.position in failed for contact in left)


def _pages(
    episode: Episode,
    called: Sequence[Call],
    care: Care,
    known: Sequence[PageKnown],
    now: datetime,
    news: News,
) -> list[PageDue]:
    """Return a page for each doctor's newest call, and one more for each by its own contact.

    Who is called beside the chain is called once, and not at all where the chain has called them.
    """
    taken = {(page.step, page.loop) for page in known}
    used: dict[str, set[int]] = {}
    for page in known:
        used.setdefault(page.doctor_id, set()).add(page.contact_position)
    last: dict[tuple[Doctor, str | None], Call] = {}
    for call in called:
        doctor = care.who(call.who, now)
        heard = doctor.doctor_id in used or any(each == doctor for each, _ in last)
        if call.step < BESIDE or not heard:
            last[doctor, call.by] = call
    count = sum(step < BESIDE for step, _ in taken)
    pages: list[PageDue] = []
    for (doctor, by), call in last.items():
        if (call.step, call.loop) in taken or not doctor.contacts:
            continue
        positions = used.setdefault(doctor.doctor_id, set())
        contact = doctor.contact(by, frozenset(positions))
        positions.add(contact.position)
        count += 1
        facts = _facts(episode, care, now, count, news)
        pages.append(_page(episode, call, doctor, contact, facts))
    return pages


def _facts(episode: Episode, care: Care, now: datetime, count: int, news: News) -> PageFacts:
    who, values = private(care.page_privacy, care.name, news.measured)
    return PageFacts(
        episode.episode_id,
        episode.severity,
        minutes=max(0, int((now - episode.level_since).total_seconds() // 60)),
        count=count,
        unconfirmed=episode.confirmed == "unconfirmed",
        late=news.late,
        family=episode.family,
        rule_id=episode.rule_id,
        since=episode.measured_at.astimezone(care.zone),
        who=who,
        values=values,
    )


def _page(
    episode: Episode, call: Call, doctor: Doctor, contact: Contact, facts: PageFacts
) -> PageDue:
    key = (call.step, call.loop)
    return PageDue(
        page_id(episode.episode_id, episode.round, key, doctor.doctor_id, contact.position),
        episode.episode_id,
        episode.round,
        call.step,
        call.loop,
        doctor,
        contact,
        call.by,
        call.due_at,
        facts,
        compose(facts, doctor.language, KIND_OF.get(contact.channel, "push")),
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
