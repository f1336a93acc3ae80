"""From an evaluation to what has to be done: pages that are due, questions to ask at home, and
when to look again. All of it pure; the store does what is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Literal
from uuid import UUID, uuid5

from yikao_alerts.compose import PageFacts, compose
from yikao_alerts.episodes import Change, Episode, Event, State, next_look_at
from yikao_alerts.escalation import Call, Policy, calls, due_calls
from yikao_alerts.evaluate import Evaluation, Finding, Refusal, Why
from yikao_alerts.history import History
from yikao_alerts.roster import Care, Contact, Doctor
from yikao_alerts.rules.model import RuleSet

NAMESPACE: Final = UUID("0f2f6e5a-8f86-5c3b-a6b2-70616765726b")
"""Root of page and command ids: the same page computed twice is the same row."""
ASK_LIFETIME: Final = timedelta(minutes=15)
"""A request to measure again that comes later than this is not shown any more."""


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


@dataclass(frozen=True, slots=True)
class Ask:
    """Say something at home, through the gateway that read the device: to measure again, or what
    to do now."""

    command_id: UUID
    do: Literal["measure_again", "show"]
    device: str
    text_zh: str
    text_en: str
    expires_at: datetime


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

    A step whose doctor cannot be reached hands its turn on to the next at once, and the steps after
    it move up; the last one has nobody to hand it to and waits for its repetition.
    """
    due, following = due_calls(policy, episode.level_since, now, care.zone)
    if not due:
        return [], following
    in_order = calls(policy, episode.level_since, care.zone)
    sequence = list(islice(in_order, len(due) + len(policy.steps)))
    steps = sequence[: len(policy.steps) - 1]
    handed_on = sum(_unreachable(call, care, known) for call in steps)
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


def asks(evaluation: Evaluation, done: list[Change], history: History, rules: RuleSet) -> list[Ask]:
    """Return what is to be said at home, the same words about the same readings with the same id.

    To measure again, for each reading that awaits a repeat and each new finding that wants one; and
    what to do now ("call 120"), for a new finding of a rule that waits for nothing.
    """
    causes: list[Finding | Refusal] = [
        refusal for refusal in evaluation.refusals if refusal.why is Why.AWAITING_REPEAT
    ]
    causes += [
        change.cause
        for change in done
        if isinstance(change.cause, Finding)
        and change.event in (Event.FOUND, Event.WORSENED)
        and (change.cause.ask_again or change.cause.confirmed == "not_needed")
    ]
    causes += [f for f in evaluation.findings if f.family is None and f.ask_again]
    made = [_ask(cause, evaluation.now, history, rules) for cause in causes]
    return [ask for ask in made if ask is not None]


def _ask(cause: Finding | Refusal, now: datetime, history: History, rules: RuleSet) -> Ask | None:
    """Return the words for what has just come; None when it is old or no device is known."""
    own = [m for m in history.measurements if m.key in cause.inputs]
    arrivals = [m.received_at for m in own]
    arrivals += [s.received_at for s in history.symptoms if s.key in cause.inputs]
    expires_at = max(arrivals) + ASK_LIFETIME
    # A report names no device: it is answered where the resident measured last.
    devices = [m.device for m in own or history.measurements if m.device]
    if not devices or now >= expires_at:
        return None
    rule = rules.rule(cause.rule_id)
    waits = isinstance(cause, Refusal) or cause.ask_again
    return Ask(
        uuid5(NAMESPACE, "|".join(("ask", cause.rule_id, *cause.inputs))),
        "measure_again" if waits else "show",
        devices[-1],
        rule.patient_zh,
        rule.patient_en,
        expires_at,
    )


def look_again_at(
    evaluation: Evaluation, episodes: list[Episode], next_pages: list[datetime | None]
) -> datetime | None:
    """Return the earliest time at which something may change without a new reading."""
    times = [evaluation.look_again_at, *next_pages, *(next_look_at(e) for e in episodes)]
    return min((at for at in times if at is not None), default=None)
