"""An episode: what a resident is going through, and the one table that says what may become of it.

At most one of each family is active. What is not in the table cannot happen.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from yikao_alerts.findings import Finding, Refusal
from yikao_alerts.rules.model import SEVERITIES


class State(StrEnum):
    """Where an episode stands. The last three are ends."""

    NONE = "none"
    SUSPECTED = "suspected"
    OPEN = "open"
    ANSWERED = "answered"
    WATCHING = "watching"
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
    CALLED_AGAIN = "called_again"
    ESCALATED = "escalated"
    DOWNGRADED = "downgraded"
    TAKEN = "taken"
    ACKNOWLEDGED = "acknowledged"
    HANDED_OVER = "handed_over"
    SNOOZED = "snoozed"
    REOPENED = "reopened"
    WATCHED = "watched"
    MEASURED = "measured"
    NORMAL_AGAIN = "normal_again"
    CLOSED = "closed"
    TIMED_OUT = "timed_out"


HELP: Final = "help"
"""The family of calls for help."""
REFERRED: Final = "referred"
"""The disposition of a doctor who has sent the resident to hospital."""
SILENCED: Final = "snoozed"
"""What stands for a disposition while a doctor wants to hear no more of it for some time."""
IN_HANDS: Final = frozenset({State.ANSWERED, State.WATCHING})
"""Somebody has taken it: nobody is called."""
ACTIVE: Final = IN_HANDS | {State.SUSPECTED, State.OPEN}

TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.NONE, Event.SUSPICION): State.SUSPECTED,
    (State.NONE, Event.FOUND): State.OPEN,
    (State.SUSPECTED, Event.FOUND): State.OPEN,
    (State.SUSPECTED, Event.NOT_CONFIRMED): State.DISMISSED,
    (State.OPEN, Event.JOINED): State.OPEN,
    (State.OPEN, Event.WORSENED): State.OPEN,
    (State.OPEN, Event.ESCALATED): State.OPEN,
    (State.OPEN, Event.DOWNGRADED): State.OPEN,
    (State.OPEN, Event.HANDED_OVER): State.OPEN,
    (State.OPEN, Event.REOPENED): State.OPEN,
    (State.OPEN, Event.TAKEN): State.ANSWERED,
    (State.OPEN, Event.ACKNOWLEDGED): State.ANSWERED,
    (State.OPEN, Event.SNOOZED): State.ANSWERED,
    (State.ANSWERED, Event.ACKNOWLEDGED): State.ANSWERED,
    (State.ANSWERED, Event.WATCHED): State.WATCHING,
    (State.ANSWERED, Event.TIMED_OUT): State.EXPIRED,
    (State.WATCHING, Event.MEASURED): State.ANSWERED,
} | {
    (state, event): after
    for state in (State.ANSWERED, State.WATCHING)
    for event, after in {
        Event.JOINED: state,
        Event.DOWNGRADED: state,
        Event.WORSENED: State.OPEN,
        Event.CALLED_AGAIN: State.OPEN,
        Event.ESCALATED: State.OPEN,
        Event.HANDED_OVER: State.OPEN,
        Event.REOPENED: State.OPEN,
        Event.SNOOZED: State.ANSWERED,
        Event.NORMAL_AGAIN: State.RESOLVED,
        Event.CLOSED: State.RESOLVED,
    }.items()
}


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
    """An episode as it is stored; `episode_id` is 0 until it is.

    tier: how often its re-check escalated; so many steps of the chain are called at once.
    disposition: what the doctor who answered last did; None while that has not been said.
    reopens_at: when it is called for anew, unless whoever took it says what was done, or whoever it
    was handed over to takes it; or when a silence ends. handed_to: the doctor who is called first
    until then, in the signed doctor's place.
    """

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
    tier: int = 0
    disposition: str | None = None
    answered_by: str | None = None
    reopens_at: datetime | None = None
    handed_to: str | None = None

    @property
    def in_hands(self) -> bool:
        """Whether somebody has taken it, so that nobody is called."""
        return self.state in IN_HANDS

    @property
    def away(self) -> bool:
        """Whether the resident was sent to hospital: nobody is at home to measure."""
        return self.in_hands and self.disposition == REFERRED

    @property
    def snoozed(self) -> bool:
        """Whether a doctor wants to hear no more of it at this level until `reopens_at`."""
        return self.in_hands and self.disposition == SILENCED

    def anew(self, event: Event, now: datetime, **more: Any) -> "Episode":
        """Return the episode as nobody's, and called for anew with a round of its own."""
        return replace(
            self,
            state=step(self.state, event),
            level_since=now,
            round=self.round + 1,
            answered_at=None,
            answered_by=None,
            disposition=None,
            reopens_at=None,
            handed_to=None,
            **more,
        )


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


def rank(item: Finding | Episode) -> tuple[int, int]:
    """Return how bad something is: its severity first, then its level within the family."""
    return SEVERITIES.index(item.severity) if item.severity else -1, item.level
