"""An episode: what a resident is going through, and the one table that says what may become of it.

At most one of each family is active. What is not in the table cannot happen.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yikao_alerts.findings import Finding, Refusal
from yikao_alerts.rules.model import SEVERITIES


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
    ESCALATED = "escalated"
    DOWNGRADED = "downgraded"
    ACKNOWLEDGED = "acknowledged"
    NORMAL_AGAIN = "normal_again"
    CLOSED = "closed"
    TIMED_OUT = "timed_out"


REFERRED: Final = "referred"
"""The disposition of a doctor who has sent the resident to hospital."""
ACTIVE: Final = frozenset({State.SUSPECTED, State.OPEN, State.ANSWERED})

TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.NONE, Event.SUSPICION): State.SUSPECTED,
    (State.NONE, Event.FOUND): State.OPEN,
    (State.SUSPECTED, Event.FOUND): State.OPEN,
    (State.SUSPECTED, Event.NOT_CONFIRMED): State.DISMISSED,
    (State.OPEN, Event.JOINED): State.OPEN,
    (State.OPEN, Event.WORSENED): State.OPEN,
    (State.OPEN, Event.ESCALATED): State.OPEN,
    (State.OPEN, Event.DOWNGRADED): State.OPEN,
    (State.OPEN, Event.ACKNOWLEDGED): State.ANSWERED,
    (State.ANSWERED, Event.JOINED): State.ANSWERED,
    (State.ANSWERED, Event.WORSENED): State.OPEN,
    (State.ANSWERED, Event.ESCALATED): State.OPEN,
    (State.ANSWERED, Event.DOWNGRADED): State.ANSWERED,
    (State.ANSWERED, Event.NORMAL_AGAIN): State.RESOLVED,
    (State.ANSWERED, Event.CLOSED): State.RESOLVED,
    (State.ANSWERED, Event.TIMED_OUT): State.EXPIRED,
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
    disposition: what the doctor who answered last did.
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

    @property
    def away(self) -> bool:
        """Whether the resident was sent to hospital: nobody is at home to measure."""
        return self.state is State.ANSWERED and self.disposition == REFERRED


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
