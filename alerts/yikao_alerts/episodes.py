"""From findings to episodes: suspected, open, answered, taken down or escalated, and ended.

An episode is what a resident is going through, not a reading: at most one of each family is open,
new findings join it, and only a worse level, or a re-check that escalates, asks for the doctor
again after an answer. Nothing here closes what nobody has answered.
"""

from collections.abc import Set
from dataclasses import replace
from datetime import datetime

from yikao_alerts.course import ESCALATIONS, SILENT
from yikao_alerts.endings import (
    ANSWERED_MAX,
    CALMED,
    calmer,
    concerns,
    ending,
    next_look_at,
    normal_rounds,
)
from yikao_alerts.episode import (
    ACTIVE,
    TRANSITIONS,
    Change,
    Episode,
    Event,
    ImpossibleTransitionError,
    Known,
    State,
    identity,
    rank,
    step,
)
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.findings import Finding, Refusal, Why
from yikao_alerts.history import History
from yikao_alerts.rules.model import PAGING, RuleSet

__all__ = [
    "ACTIVE",
    "ANSWERED_MAX",
    "TRANSITIONS",
    "Change",
    "Episode",
    "Event",
    "ImpossibleTransitionError",
    "Known",
    "State",
    "changes",
    "identity",
    "next_look_at",
    "normal_rounds",
    "step",
]


def changes(evaluation: Evaluation, known: Known, history: History, rules: RuleSet) -> list[Change]:
    """Return the transitions that `evaluation` brings about, in order; none twice."""
    episodes = dict(known.episodes)
    done = _by_findings(evaluation, episodes, known.findings)
    done += _by_courses(evaluation, episodes, known.findings, rules)
    awaited = _awaited(evaluation, rules)
    for family, episode in list(episodes.items()):
        ended = ending(evaluation, episode, family in awaited, history, rules)
        if ended is not None:
            done.append(ended)
            del episodes[family]
    begun = (refusal for family, refusal in awaited.items() if family not in episodes)
    return done + [_suspect(evaluation.now, refusal) for refusal in begun]


def _awaited(evaluation: Evaluation, rules: RuleSet) -> dict[str, Refusal]:
    """Return for each family the first reading that may call somebody once it is repeated."""
    waiting = [
        refusal
        for refusal in evaluation.refusals
        if refusal.why is Why.AWAITING_REPEAT and rules.rule(refusal.rule_id).severity in PAGING
    ]
    return {str(refusal.family): refusal for refusal in reversed(waiting)}


def _by_findings(
    evaluation: Evaluation, episodes: dict[str, Episode], known: Set[tuple[str, str, str]]
) -> list[Change]:
    """Return what new findings change, and bring `episodes` up to date.

    Findings for which nobody is called are for the worklist, and no part of an episode. A reading
    that has had its effect under a rule as bad opens nothing again once a person has closed it.
    """
    done: list[Change] = []
    had_effect = set(known)
    # Of what was found at one time the worst first: it is what the episode is called by.
    for finding in sorted(evaluation.findings, key=_worst_first):
        calls = finding.family is not None and finding.severity in PAGING
        new = finding.confirmed not in ESCALATIONS and identity(finding) not in had_effect
        if not calls or not new:
            continue
        had_effect.add(identity(finding))
        episode = episodes.get(str(finding.family))
        if episode is not None or not _told(finding, evaluation, known):
            done.append(_found(evaluation.now, episode, finding))
            episodes[done[-1].episode.family] = done[-1].episode
    return done


def _worst_first(finding: Finding) -> tuple[datetime, int, int]:
    severity, level = rank(finding)
    return finding.at, -severity, -level


def _told(finding: Finding, evaluation: Evaluation, known: Set[tuple[str, str, str]]) -> bool:
    """Return whether the same reading called somebody before, and for something as bad."""
    return any(
        (other.family, other.trigger) == (finding.family, finding.trigger)
        and identity(other) in known
        and rank(other) >= rank(finding)
        for other in evaluation.findings
    )


def _by_courses(
    evaluation: Evaluation,
    episodes: dict[str, Episode],
    known: Set[tuple[str, str, str]],
    rules: RuleSet,
) -> list[Change]:
    """Return what re-checks change, and bring `episodes` up to date: they escalate, or take down,
    what is there. What a person has closed is not opened again."""
    done: list[Change] = []
    for course in evaluation.courses:
        new = [finding for finding in course.escalations if identity(finding) not in known]
        episode = episodes.get(course.family)
        if episode is None or not concerns(course, episode):
            continue
        for finding in new:
            if episode.away and finding.confirmed == SILENT:
                continue
            done.append(_escalated(evaluation.now, episode, finding))
            episode = done[-1].episode
        if calmer(evaluation, episode, course, rules):
            done.append(_downgraded(evaluation.now, episode))
            episode = done[-1].episode
        episodes[course.family] = episode
    return done


def _escalated(now: datetime, episode: Episode, finding: Finding) -> Change:
    """Return the episode as the next step of the chain is called, with all before it."""
    worse = rank(finding) > rank(episode)
    after = replace(
        episode,
        state=step(episode.state, Event.ESCALATED),
        rule_id=finding.rule_id if worse else episode.rule_id,
        severity=finding.severity if worse else episode.severity,
        level=finding.level if worse else episode.level,
        level_since=now,
        round=episode.round + 1,
        tier=episode.tier + 1,
        last_evidence_at=max(episode.last_evidence_at, finding.at),
        normal_rounds=0,
    )
    return Change(Event.ESCALATED, episode.state, after, finding)


def _downgraded(now: datetime, episode: Episode) -> Change:
    """Return a crisis as it is for today: an unanswered one is called for anew, at that pace."""
    after = replace(
        episode,
        state=step(episode.state, Event.DOWNGRADED),
        severity=CALMED,
        level_since=now,
        round=episode.round + 1,
        tier=0,
    )
    return Change(Event.DOWNGRADED, episode.state, after, None)


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
    worse = rank(finding) > rank(episode)
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
