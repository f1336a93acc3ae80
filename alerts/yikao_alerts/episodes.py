"""From findings to episodes: suspected, open, answered, taken down or escalated, and ended.

An episode is what a resident is going through, not a reading: at most one of each family is open,
new findings join it, and only a worse level, or a re-check that escalates, asks for the doctor
again after an answer. Nothing here closes what nobody has answered.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from datetime import datetime

from yikao_alerts.course import ESCALATIONS, SILENT
from yikao_alerts.endings import (
    ANSWERED_MAX,
    CALMED,
    by_itself,
    calmer,
    concerns,
    next_look_at,
    normal_rounds,
)
from yikao_alerts.episode import (
    ACTIVE,
    HELP,
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
    reports = {report.key for report in history.symptoms}
    done = _by_findings(evaluation, episodes, known.findings, reports)
    done += _by_courses(evaluation, episodes, known.findings, rules)
    awaited = _awaited(evaluation, rules)
    for family, episode in list(episodes.items()):
        done += (own := by_itself(evaluation, episode, family in awaited, history, rules))
        if own and own[-1].episode.state not in ACTIVE:
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
    evaluation: Evaluation,
    episodes: dict[str, Episode],
    known: Set[tuple[str, str, str]],
    reports: Set[str],
) -> list[Change]:
    """Return what new findings change, and bring `episodes` up to date. reports: of symptoms.

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
        said_twice = _same_event(finding, evaluation.findings, episodes, reports)
        if episode is None and said_twice is not None:
            done.append(_joined(said_twice, finding))
        elif episode is not None or not _told(finding, evaluation, known):
            done.append(_found(evaluation.now, episode, finding))
        else:
            continue
        episodes[done[-1].episode.family] = done[-1].episode
    return done


def _same_event(
    finding: Finding, found: Iterable[Finding], episodes: Mapping[str, Episode], reports: Set[str]
) -> Episode | None:
    """Return the open episode of another family that the very report behind a finding has made.

    "Chest pain" said once is one event, also when a pressure measured beside it meets a rule of its
    own: who is being called for it is not called for it twice. Not for what is more severe, and not
    once somebody has answered: what is measured after that is news.
    """
    said = reports & set(finding.inputs)
    if finding.family == HELP:
        return None
    families = [each.family for each in found if said & set(each.inputs) and each.family != HELP]
    others = (episodes.get(str(family)) for family in families if family != finding.family)
    return next(
        (
            episode
            for episode in others
            if episode is not None
            and episode.state is State.OPEN
            and rank(episode)[0] >= rank(finding)[0]
        ),
        None,
    )


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
    after = episode.anew(
        Event.ESCALATED,
        now,
        rule_id=finding.rule_id if worse else episode.rule_id,
        severity=finding.severity if worse else episode.severity,
        level=finding.level if worse else episode.level,
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
    event = _news(episode, finding)
    if event is None:
        return _joined(episode, finding)
    after = episode.anew(
        event,
        now,
        rule_id=finding.rule_id,
        severity=finding.severity,
        level=finding.level,
        confirmed=finding.confirmed,
        last_evidence_at=max(episode.last_evidence_at, finding.at),
        normal_rounds=0,
    )
    return Change(event, episode.state, after, finding)


def _news(episode: Episode, finding: Finding) -> Event | None:
    """Return as what a finding asks for a doctor (again); None where it only joins.

    Whoever asks to be called after somebody has taken it has not been helped yet.
    """
    if episode.state is State.SUSPECTED:
        return Event.FOUND
    if rank(finding) > rank(episode):
        return Event.WORSENED
    taken_at = episode.answered_at if episode.in_hands else None
    again = episode.family == finding.family == HELP
    if again and taken_at is not None and finding.at > taken_at:
        return Event.CALLED_AGAIN
    return None


def _joined(episode: Episode, finding: Finding) -> Change:
    """Return an episode to which a finding adds evidence and no urgency."""
    confirmed = episode.confirmed
    if finding.confirmed == "confirmed" and finding.family == episode.family:
        confirmed = finding.confirmed
    after = replace(
        episode,
        state=step(episode.state, Event.JOINED),
        last_evidence_at=max(episode.last_evidence_at, finding.at),
        normal_rounds=0,
        confirmed=confirmed,
    )
    return Change(Event.JOINED, episode.state, after, finding)
