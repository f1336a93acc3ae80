"""Does the path still work? A reading of somebody who does not exist has to come out as a page.

Once a minute one is sent; this says what its arrival, or its absence, means. Pure: times go in, a
verdict comes out. Absence is the alarm: whatever broke, nothing arrives.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

BEAT: Final = timedelta(minutes=1)
BEATS_MISSED: Final = 2
LATE: Final = timedelta(seconds=15)
"""A page may take so long under load before its beat counts as missed."""
AWAY: Final = BEATS_MISSED * BEAT + LATE
"""Without a page for so long operations are called: well within the five minutes in which an
external watchdog calls when we are silent ourselves."""
AGAIN: Final = timedelta(minutes=10)
"""The alarm is repeated, until pages arrive again."""
RETRY: Final = timedelta(seconds=10)
"""An alarm that nobody accepted is sent again after this."""


class Verdict(StrEnum):
    """What has to be said now."""

    NOTHING = "nothing"
    AWAY = "away"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of the beats. began_at: when watching began, which counts as an arrival."""

    began_at: datetime
    sent_at: datetime | None = None
    arrived_at: datetime | None = None
    said_at: datetime | None = None
    """When operations were last told that pages stay away; None: nothing is amiss."""
    tried_at: datetime | None = None

    @property
    def heard_at(self) -> datetime:
        """When all was last known to be well."""
        return self.arrived_at or self.began_at

    def beats(self, now: datetime) -> bool:
        """Return whether the next reading is to be sent."""
        return self.sent_at is None or now >= self.sent_at + BEAT

    def sent(self, now: datetime) -> "Pulse":
        """Return the pulse after a reading went out, or could not."""
        return replace(self, sent_at=now)

    def arrived(self, now: datetime) -> "Pulse":
        """Return the pulse after a page arrived."""
        return replace(self, arrived_at=now)

    def told(self, verdict: Verdict, now: datetime, *, accepted: bool) -> "Pulse":
        """Return the pulse after operations were told, or could not be."""
        if not accepted:
            return replace(self, tried_at=now)
        return replace(self, said_at=now if verdict is Verdict.AWAY else None, tried_at=None)

    def verdict(self, now: datetime) -> Verdict:
        """Return what has to be said at `now`."""
        if self.tried_at is not None and now < self.tried_at + RETRY:
            return Verdict.NOTHING
        if now - self.heard_at > AWAY:
            due = self.said_at is None or now >= self.said_at + AGAIN
            return Verdict.AWAY if due else Verdict.NOTHING
        return Verdict.BACK if self.said_at is not None else Verdict.NOTHING


class Suspect(StrEnum):
    """The first part of the path behind which nothing is seen: where to look first."""

    BROKER = "broker"
    DATABASE = "database"
    INGEST = "ingest"
    EVALUATOR = "evaluator"
    RULES = "rules"
    PAGER = "pager"


@dataclass(frozen=True, slots=True)
class Trace:
    """How far the last readings came, as the database says; the fields in order of the path."""

    stored: bool
    decided: bool
    paged: bool


def suspect(*, broker: bool, trace: Trace | None) -> Suspect:
    """Return where to look first; trace: None when the database does not answer."""
    if trace is None:
        return Suspect.DATABASE
    if not broker:
        return Suspect.BROKER
    if not trace.stored:
        return Suspect.INGEST
    if not trace.decided:
        return Suspect.EVALUATOR
    return Suspect.PAGER if trace.paged else Suspect.RULES
