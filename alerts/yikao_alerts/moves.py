"""What a person may do with an episode: take it, say what was done, hand it over, put it back,
silence it for some time, end it. All of it pure; `answer.py` stores what is decided here.

Whoever repeats a move changes nothing. Who may make which is one table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from yikao_alerts.endings import WORD_WITHIN, reopened
from yikao_alerts.episode import SILENCED, Change, Episode, Event, State, step
from yikao_alerts.rules.model import Suppress

REASON_MAX: Final = 200
"""Letters of the reason for a silence."""


class Disposition(StrEnum):
    """What the doctor did."""

    CALLED = "called"
    ADJUSTED = "adjusted"
    VISIT = "visit"
    REFERRED = "referred"
    FALSE_ALARM = "false_alarm"
    TECHNICAL = "technical"


class Relation(StrEnum):
    """What a doctor is to a resident: the signed one, of the team, called for it, or neither."""

    OWN = "own"
    TEAM = "team"
    CALLED = "called"
    OTHER = "other"


_TEAM: Final = frozenset({Relation.OWN, Relation.TEAM})
_CALLED: Final = _TEAM | {Relation.CALLED}
MAY: Final[Mapping[Event, frozenset[Relation]]] = {
    Event.TAKEN: _CALLED,
    Event.ACKNOWLEDGED: _CALLED,
    Event.HANDED_OVER: _CALLED,
    Event.REOPENED: _CALLED,
    Event.SNOOZED: _TEAM,
    Event.CLOSED: _TEAM,
}
"""Who may do what. Whoever is called at night acts; what lasts is for those who know the resident.
"""


class Bar(StrEnum):
    """Why a move is not allowed, whatever the state."""

    ROLE = "role"
    RED = "red"
    TOO_LONG = "too_long"
    NO_REASON = "no_reason"
    NO_COLLEAGUE = "no_colleague"


@dataclass(frozen=True, slots=True)
class Stays:
    """It is so already since `at`: by the same person, there is nothing to do."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Theirs:
    """Somebody else has it since `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Impossible:
    """Nothing of the kind can be done in this state."""

    state: State


Moved = Change | Stays | Theirs | Impossible | Bar


def taken(episode: Episode, by: str, now: datetime) -> Moved:
    """Return the episode as a doctor's who has yet to say what was done."""
    if episode.state is State.OPEN:
        return _held(Event.TAKEN, episode, by, now, None, now + WORD_WITHIN)
    return _held_already(episode, by)


def acknowledged(episode: Episode, by: str, disposition: Disposition, now: datetime) -> Moved:
    """Return the episode with what a doctor has done; who took it says so later."""
    mine = episode.in_hands and episode.answered_by == by
    if episode.state is State.OPEN:
        return _held(Event.ACKNOWLEDGED, episode, by, now, str(disposition), None)
    if mine and (episode.disposition is None or episode.snoozed):
        since = episode.answered_at or now
        return _held(Event.ACKNOWLEDGED, episode, by, since, str(disposition), None)
    return _held_already(episode, by)


def handed_over(episode: Episode, to: str, now: datetime) -> Moved:
    """Return the episode as it is called for anew, with that doctor first.

    The chain goes on behind: a red one never waits for one person alone.
    """
    if episode.state is State.OPEN and episode.handed_to == to:
        return Stays(episode.level_since)
    if not _running(episode):
        return Impossible(episode.state)
    called = episode.anew(Event.HANDED_OVER, now)
    after = replace(called, handed_to=to, reopens_at=now + WORD_WITHIN)
    return Change(Event.HANDED_OVER, episode.state, after, None)


def put_back(episode: Episode, now: datetime) -> Moved:
    """Return the episode as nobody's: it is called for again at once."""
    if episode.state is State.OPEN:
        return Stays(episode.level_since)
    return reopened(episode, now) if episode.in_hands else Impossible(episode.state)


def snoozed(
    episode: Episode, by: str, until: datetime, reason: str, now: datetime, suppress: Suppress
) -> Moved:
    """Return the episode as it is silent until then, at its level and in its direction.

    What is worse, or of another family, speaks at once. Never a red one.
    """
    if not _running(episode):
        return Impossible(episode.state)
    if episode.severity in suppress.never_mutes:
        return Bar.RED
    if not now < until <= now + suppress.mute_max:
        return Bar.TOO_LONG
    if not 0 < len(reason.strip()) <= REASON_MAX:
        return Bar.NO_REASON
    if episode.snoozed and episode.answered_by == by and episode.reopens_at == until:
        return Stays(episode.answered_at or now)
    return _held(Event.SNOOZED, episode, by, now, SILENCED, until)


def closed(episode: Episode, disposition: Disposition) -> Moved:
    """Return the episode as a person ended it."""
    if not episode.in_hands:
        return Impossible(episode.state)
    after = replace(
        episode,
        state=step(episode.state, Event.CLOSED),
        disposition=str(disposition),
        reopens_at=None,
    )
    return Change(Event.CLOSED, episode.state, after, None)


def _running(episode: Episode) -> bool:
    return episode.in_hands or episode.state is State.OPEN


def _held_already(episode: Episode, by: str) -> Moved:
    if not episode.in_hands or episode.answered_at is None:
        return Impossible(episode.state)
    mine = episode.answered_by == by
    return Stays(episode.answered_at) if mine else Theirs(episode.answered_at)


def _held(
    event: Event,
    episode: Episode,
    by: str,
    at: datetime,
    disposition: str | None,
    reopens_at: datetime | None,
) -> Change:
    """Return the episode in a doctor's hands since `at`."""
    after = replace(
        episode,
        state=step(episode.state, event),
        answered_by=by,
        answered_at=at,
        disposition=disposition,
        reopens_at=reopens_at,
        handed_to=None,
    )
    return Change(event, episode.state, after, None)
