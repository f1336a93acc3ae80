"""From an evaluation to what has to be done: pages that are due, questions to ask at home, and
when to look again. All of it pure; the store does what is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from yikao_alerts.compose import PageFacts, compose
from yikao_alerts.episodes import Change, Episode, Event, State, next_look_at
from yikao_alerts.escalation import Call, Policy, due_calls
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
    """Ask the resident, through the gateway that read the device, to measure again."""

    command_id: UUID
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
    step is called at once. Repetitions missed while nothing ran are not made up for.
    """
    policy = policies.get(episode.severity)
    if episode.state is not State.OPEN or policy is None:
        return [], None
    due, following = due_calls(policy, episode.level_since, now, care.zone)
    if following is not None and due and _unreachable(due[-1], care, known):
        due.append(following)
    taken = {(page.step, page.loop) for page in known}
    newest_loop = max((call.loop for call in due), default=0)
    wanted = [
        call
        for call in due
        if (call.step, call.loop) not in taken and call.loop in (0, newest_loop)
    ]
    count = len(taken)
    pages = [
        _page(episode, call, care, now, count + number, late)
        for number, call in enumerate(wanted, start=1)
    ]
    return pages, following.due_at if following else None


def _unreachable(call: Call, care: Care, known: list[PageKnown]) -> bool:
    """Return whether each contact of the call's doctor was tried and failed for good."""
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
        minutes=max(0, int((now - episode.opened_at).total_seconds() // 60)),
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
    """Return the requests to measure again that follow: for each reading that awaits a repeat, and
    for each new finding that wants one. The same request has the same id for ever."""
    wanted: list[Finding | Refusal] = [
        refusal for refusal in evaluation.refusals if refusal.why is Why.AWAITING_REPEAT
    ]
    wanted += [
        change.cause
        for change in done
        if isinstance(change.cause, Finding)
        and change.cause.ask_again
        and change.event in (Event.FOUND, Event.WORSENED)
    ]
    wanted += [f for f in evaluation.findings if f.family is None and f.ask_again]
    devices = {m.key: (m.device, m.received_at) for m in history.measurements}
    result = []
    for cause in wanted:
        device, received_at = devices.get(cause.inputs[-1], ("", evaluation.now))
        if device and evaluation.now - received_at < ASK_LIFETIME:
            result.append(_ask(cause, device, received_at + ASK_LIFETIME, rules))
    return result


def _ask(cause: Finding | Refusal, device: str, expires_at: datetime, rules: RuleSet) -> Ask:
    rule = rules.rule(cause.rule_id)
    name = "|".join(("ask", cause.rule_id, *cause.inputs))
    return Ask(uuid5(NAMESPACE, name), device, rule.patient_zh, rule.patient_en, expires_at)


def look_again_at(
    evaluation: Evaluation, episodes: list[Episode], next_pages: list[datetime | None]
) -> datetime | None:
    """Return the earliest time at which something may change without a new reading."""
    times = [evaluation.look_again_at, *next_pages, *(next_look_at(e) for e in episodes)]
    return min((at for at in times if at is not None), default=None)
