"""What becomes of an episode by itself: it ends, is taken down, or is called for anew.

It never ends before somebody has said what was done. Who takes it and says nothing more has half an
hour, as has the doctor it is handed over to; then it is called for again. After the answer readings
that have fallen end it: the rounds of its re-check, or else as many readings, or sittings, in a row
as its rule asks for. Good readings alone take an unanswered crisis down to something for today, and
no further. What only people may end stays until one does.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from yikao_alerts.course import SILENT, Course, Settled
from yikao_alerts.episode import Change, Episode, Event, State, step
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.history import History, Measurement
from yikao_alerts.rules.model import PAGING, Normal, RuleSet
from yikao_alerts.series import SESSION_GAP, Session, series_of
from yikao_devices.symptoms import NO_COMPLAINT

ANSWERED_MAX: Final = timedelta(hours=24)
"""D: an answered episode without a further reading ends after a day."""
WORD_WITHIN: Final = timedelta(minutes=30)
"""D: so long an episode may be somebody's without a word on what was done."""
URGENT: Final = "page_now"
CALMED: Final = "today"
"""What a crisis is taken down to by its re-check."""
SESSION_READINGS: Final = 2
"""A sitting that goes on counts once it has so many readings: it was asked to be confirmed."""


def concerns(course: Course, episode: Episode) -> bool:
    """Return whether a course belongs to an episode that was found, or is as urgent."""
    if course.family != episode.family or not (episode.in_hands or episode.state is State.OPEN):
        return False
    return course.found_at >= episode.measured_at or episode.severity == URGENT


def calmer(evaluation: Evaluation, episode: Episode, course: Course, rules: RuleSet) -> bool:
    """Return whether a course takes a crisis down: two rounds were below the alarm limit, and
    nothing urgent was found since."""
    if episode.severity != URGENT or not concerns(course, episode):
        return False
    settled = course.resolved or course.downgraded
    if settled is None or (episode.in_hands and course.resolved is not None):
        return False
    return _quiet_since(evaluation, episode, settled, (URGENT,), rules)


def by_itself(
    evaluation: Evaluation, episode: Episode, awaited: bool, history: History, rules: RuleSet
) -> list[Change]:
    """Return what comes of an episode with time and good readings: a suspicion that nothing keeps
    up is dismissed, who was to act and did not is reminded, and what was answered is watched and
    ends."""
    due = episode.reopens_at is not None and evaluation.now >= episode.reopens_at
    if episode.state is State.SUSPECTED:
        unheard = replace(episode, confirmed="not_confirmed")
        return [] if awaited else [_ended(unheard, Event.NOT_CONFIRMED, 0)]
    if episode.state is State.OPEN:
        return [reopened(episode, evaluation.now)] if due else []
    if episode.disposition is None:
        return [reopened(episode, evaluation.now)] if due else []
    if episode.snoozed and not due:
        return []
    return _answered(evaluation, episode, history, rules)


def reopened(episode: Episode, now: datetime) -> Change:
    """Return the episode as it is called for again, answered by nobody."""
    after = episode.anew(Event.REOPENED, now)
    return Change(Event.REOPENED, episode.state, after, None)


def _answered(
    evaluation: Evaluation, episode: Episode, history: History, rules: RuleSet
) -> list[Change]:
    """Return how an answered episode goes on: it ends, grows old, or speaks again after a silence;
    while a re-check runs it is watched."""
    rounds = _rounds_in_row(evaluation, episode, history, rules)
    if rounds is not None:
        return [_ended(episode, Event.NORMAL_AGAIN, rounds)]
    done: list[Change] = []
    measured = not episode.away and any(
        course.over_at is None and concerns(course, episode) for course in evaluation.courses
    )
    if not episode.snoozed and measured is not (episode.state is State.WATCHING):
        done.append(_moved(episode, Event.WATCHED if measured else Event.MEASURED))
        episode = done[-1].episode
    if episode.state is State.ANSWERED and evaluation.now >= grown_old_at(episode):
        return [*done, _ended(episode, Event.TIMED_OUT, 0)]
    return [reopened(episode, evaluation.now)] if episode.snoozed else done


def _moved(episode: Episode, event: Event) -> Change:
    return Change(event, episode.state, replace(episode, state=step(episode.state, event)), None)


def _rounds_in_row(
    evaluation: Evaluation, episode: Episode, history: History, rules: RuleSet
) -> int | None:
    """Return how many rounds in a row end an answered episode; None where they do not.

    While its re-check runs that alone decides, by the means of its rounds.
    """
    courses = [course for course in evaluation.courses if concerns(course, episode)]
    for course in courses:
        settled = course.resolved
        if settled and _quiet_since(evaluation, episode, settled, PAGING, rules):
            return course.recheck.resolve_rounds
    normal = rules.normal(episode.rule_id)
    if normal is None or any(course.over_at is None for course in courses):
        return None
    rounds = normal_rounds(episode, history, rules, evaluation.now)
    enough = rounds >= normal.rounds and not _only_by_people(episode, evaluation, rules)
    return rounds if enough else None


def _quiet_since(
    evaluation: Evaluation,
    episode: Episode,
    settled: Settled,
    severities: Iterable[str],
    rules: RuleSet,
) -> bool:
    """Return whether nothing so severe was found of readings made since it settled, and no rule
    that only a person may close had a part. Silence that readings have broken says nothing."""
    later = any(
        finding.family == episode.family
        and finding.severity in severities
        and finding.at >= settled.since
        and finding.confirmed != SILENT
        for finding in evaluation.findings
    )
    return not later and not _only_by_people(episode, evaluation, rules)


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


def normal_rounds(episode: Episode, history: History, rules: RuleSet, now: datetime) -> int:
    """Return how many readings, or sittings, in a row were within limits at the end.

    One low reading after a crisis is no recovery; the rule says how many are, and how far apart.
    They count from the last evidence, and from the last symptom that was reported.
    """
    normal = rules.normal(episode.rule_id)
    if normal is None:
        return 0
    ill = (report.at for report in history.symptoms if report.codes - NO_COMPLAINT)
    since = max([episode.last_evidence_at, *ill])
    rounds, counted_at = 0, since
    # Who was called for a single reading is well again wherever that is measured.
    everywhere = rules.rule(episode.rule_id).is_crisis
    readings = [m for m in history.of_kind(normal.kind) if m.at > since]
    readings = [m for m in readings if everywhere or m.at_home]
    for at, met in _judged(normal, readings, now):
        if not met:
            rounds, counted_at = 0, at
        elif at - counted_at >= normal.apart:
            rounds, counted_at = rounds + 1, at
    return rounds


def _judged(
    normal: Normal, readings: Iterable[Measurement], now: datetime
) -> list[tuple[datetime, bool]]:
    """Return when each reading, or sitting, was, and whether it lies within every limit."""
    if normal.of != "sessions":
        return [(m.at, normal.met_by(m)) for m in readings]
    sessions = sorted(series_of(readings).sessions(), key=lambda session: session.at)
    return [
        (session.at, _within(normal, session)) for session in sessions if _complete(session, now)
    ]


def _complete(session: Session, now: datetime) -> bool:
    over = now - session.readings[-1].at > SESSION_GAP
    return over or len(session.readings) >= SESSION_READINGS


def _within(normal: Normal, session: Session) -> bool:
    mean = session.mean({limit.field for limit in normal.limits})
    like = session.readings[0]
    return all(
        limit.reached(mean.get(limit.field), like.unit_of(limit.field)) for limit in normal.limits
    )


def next_look_at(episode: Episode) -> datetime | None:
    """Return when an episode is called for again, or its answer has grown old; None for others."""
    if episode.reopens_at is not None:
        return episode.reopens_at
    return grown_old_at(episode) if episode.in_hands else None


def grown_old_at(episode: Episode) -> datetime:
    """Return when an answer was a day ago, and so was all that was found."""
    assert episode.answered_at is not None, "what somebody holds was answered at some time"
    return max(episode.answered_at, episode.last_evidence_at) + ANSWERED_MAX
