"""The life of an episode: suspected, open, answered, resolved. One table, one walker.

An episode is what a resident is going through, not a reading: at most one of each family is open,
new findings join it, and only a worse level asks for the doctor again after an answer.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from yikao_alerts.evaluate import Evaluation, Finding, Refusal, Why
from yikao_alerts.history import History
from yikao_alerts.rules.model import SEVERITIES, RuleSet
from yikao_devices.symptoms import NONE


class State(StrEnum):
    """Where an episode stands. The last three are ends."""

    NONE = "none"
    SUSPECTED = "suspected"
    OPEN = "open"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    EXPIRED = "expired"


class Event(StrEnum):
    """What can happen to an episode."""

    SUSPICION = "suspicion"
    FOUND = "found"
    NOT_CONFIRMED = "not_confirmed"
    JOINED = "joined"
    WORSENED = "worsened"
    ACKNOWLEDGED = "acknowledged"
    NORMAL_AGAIN = "normal_again"
    CLOSED = "closed"
    TIMED_OUT = "timed_out"


ACTIVE: Final = frozenset({State.SUSPECTED, State.OPEN, State.ANSWERED})

TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.NONE, Event.SUSPICION): State.SUSPECTED,
    (State.NONE, Event.FOUND): State.OPEN,
    (State.SUSPECTED, Event.FOUND): State.OPEN,
    (State.SUSPECTED, Event.NOT_CONFIRMED): State.DISMISSED,
    (State.OPEN, Event.JOINED): State.OPEN,
    (State.OPEN, Event.WORSENED): State.OPEN,
    (State.OPEN, Event.ACKNOWLEDGED): State.ANSWERED,
    (State.ANSWERED, Event.JOINED): State.ANSWERED,
    (State.ANSWERED, Event.WORSENED): State.OPEN,
    (State.ANSWERED, Event.NORMAL_AGAIN): State.RESOLVED,
    (State.ANSWERED, Event.CLOSED): State.RESOLVED,
    (State.ANSWERED, Event.TIMED_OUT): State.EXPIRED,
}

ANSWERED_MAX: Final = timedelta(hours=24)
"""D: an answered episode without a further reading ends after a day."""


class ImpossibleTransitionError(Exception):
    """An event that the table does not allow in this state: a programmer's error."""


def step(state: State, event: Event) -> State:
    """Return the state after `event`; what is not in the table is `ImpossibleTransitionError`."""
    try:
        return TRANSITIONS[state, event]
    except KeyError as error:
        raise ImpossibleTransitionError(f"{event} cannot happen to an episode {state}") from error


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode as it is stored; `episode_id` is 0 until it is."""

    episode_id: int
    family: str
    state: State
    rule_id: str
    severity: str
    level: int
    confirmed: str
    measured_at: datetime
    opened_at: datetime
    level_since: datetime
    round: int
    last_evidence_at: datetime
    normal_rounds: int = 0
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One transition to store: the episode after it, and what set it off."""

    event: Event
    before: State
    episode: Episode
    cause: Finding | Refusal | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored already: active episodes by family, and the findings that have had effect."""

    episodes: dict[str, Episode]
    findings: frozenset[tuple[str, str, str]]
    """(rule, trigger, confirmed) of each."""


def identity(finding: Finding) -> tuple[str, str, str]:
    """Return what makes a finding the same one when it is computed again."""
    return finding.rule_id, finding.trigger, finding.confirmed


def changes(evaluation: Evaluation, known: Known, history: History, rules: RuleSet) -> list[Change]:
    """Return the transitions that `evaluation` brings about, in order; none twice."""
    done: list[Change] = []
    episodes = dict(known.episodes)
    had_effect = set(known.findings)
    for finding in evaluation.findings:
        if finding.family is not None and identity(finding) not in had_effect:
            had_effect.add(identity(finding))
            done.append(_found(evaluation.now, episodes.get(finding.family), finding))
            episodes[finding.family] = done[-1].episode
    waiting = [r for r in evaluation.refusals if r.why is Why.AWAITING_REPEAT]
    awaited = {str(refusal.family): refusal for refusal in reversed(waiting)}
    for family, episode in list(episodes.items()):
        change = _ending(evaluation, episode, family in awaited, history, rules)
        if change is not None:
            done.append(change)
            del episodes[family]
    for family, refusal in awaited.items():
        if family not in episodes:
            done.append(_suspect(evaluation.now, refusal))
    return done


def _suspect(now: datetime, cause: Refusal) -> Change:
    new = Episode(
        0,
        str(cause.family),
        step(State.NONE, Event.SUSPICION),
        cause.rule_id,
        severity="",
        level=0,
        confirmed="awaited",
        measured_at=cause.at,
        opened_at=now,
        level_since=now,
        round=0,
        last_evidence_at=cause.at,
    )
    return Change(Event.SUSPICION, State.NONE, new, cause)


def _found(now: datetime, episode: Episode | None, finding: Finding) -> Change:
    return _begin(now, finding) if episode is None else _join(now, episode, finding)


def _begin(now: datetime, finding: Finding) -> Change:
    new = Episode(
        0,
        str(finding.family),
        step(State.NONE, Event.FOUND),
        finding.rule_id,
        finding.severity,
        finding.level,
        finding.confirmed,
        measured_at=finding.at,
        opened_at=now,
        level_since=now,
        round=1,
        last_evidence_at=finding.at,
    )
    return Change(Event.FOUND, State.NONE, new, finding)


def _join(now: datetime, episode: Episode, finding: Finding) -> Change:
    """Return how a new finding changes an active episode: it opens it, worsens it or joins it."""
    before = episode.state
    evidence = max(episode.last_evidence_at, finding.at)
    seen = replace(episode, last_evidence_at=evidence, normal_rounds=0)
    worse = (_rank(finding.severity), finding.level) > (_rank(episode.severity), episode.level)
    if before is State.SUSPECTED or worse:
        event = Event.FOUND if before is State.SUSPECTED else Event.WORSENED
        after = replace(
            seen,
            state=step(before, event),
            rule_id=finding.rule_id,
            severity=finding.severity,
            level=finding.level,
            confirmed=finding.confirmed,
            level_since=now,
            round=episode.round + 1,
        )
        return Change(event, before, after, finding)
    confirmed = "confirmed" if finding.confirmed == "confirmed" else episode.confirmed
    after = replace(seen, state=step(before, Event.JOINED), confirmed=confirmed)
    return Change(Event.JOINED, before, after, finding)


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity else -1


def _ending(
    evaluation: Evaluation, episode: Episode, awaited: bool, history: History, rules: RuleSet
) -> Change | None:
    """Return how an episode ends: a suspicion that nothing keeps up, readings that have fallen
    after the answer, or an answer that has grown old."""
    match episode.state:
        case State.SUSPECTED if not awaited:
            return _ended(replace(episode, confirmed="not_confirmed"), Event.NOT_CONFIRMED, 0)
        case State.ANSWERED:
            rounds = normal_rounds(episode, history, rules)
            normal = rules.normal(episode.rule_id)
            enough = normal is not None and rounds >= normal.rounds
            if enough and not _only_by_people(episode, evaluation, rules):
                return _ended(episode, Event.NORMAL_AGAIN, rounds)
            overdue = next_look_at(episode)
            if overdue is not None and evaluation.now >= overdue:
                return _ended(episode, Event.TIMED_OUT, rounds)
    return None


def _only_by_people(episode: Episode, evaluation: Evaluation, rules: RuleSet) -> bool:
    """Return whether a rule that only a person may close had a part in the episode."""
    return any(
        finding.family == episode.family
        and finding.at >= episode.measured_at
        and rules.rule(finding.rule_id).human_only
        for finding in evaluation.findings
    )


def _ended(episode: Episode, event: Event, rounds: int) -> Change:
    after = replace(episode, state=step(episode.state, event), normal_rounds=rounds)
    return Change(event, episode.state, after, None)


def normal_rounds(episode: Episode, history: History, rules: RuleSet) -> int:
    """Return how many readings in a row, far enough apart, were within limits at the end.

    One low reading after a crisis is no recovery; the rule says how many are, and how far apart.
    They count from the last evidence, and from the last symptom that was reported.
    """
    normal = rules.normal(episode.rule_id)
    if normal is None:
        return 0
    ill = (report.at for report in history.symptoms if report.codes - {NONE})
    since = max([episode.last_evidence_at, *ill])
    rounds, counted_at = 0, since
    for measurement in history.of_kind(normal.kind):
        if measurement.at <= since:
            continue
        if not normal.met_by(measurement):
            rounds, counted_at = 0, measurement.at
        elif measurement.at - counted_at >= normal.apart:
            rounds, counted_at = rounds + 1, measurement.at
    return rounds


def next_look_at(episode: Episode) -> datetime | None:
    """Return when an answered episode times out, None for others."""
    if episode.state is not State.ANSWERED or episode.answered_at is None:
        return None
    return max(episode.answered_at, episode.last_evidence_at) + ANSWERED_MAX
