"""Who is on call: people take turns, some hours are somebody else's, and a word changes a span.

A rota is layers, the first of which that applies decides: a temporary schedule, the office hours of
the team, then the duty rotation for the rest. Words are what people say on top of it: one stands in
for another, somebody is away, a shift is handed over. All of it is values; `on_call.py` decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.rota.when import DAY, Holidays, Hours, local_day, moment

MEMBERS_MAX: Final = 50
"""People who take turns in one rotation; the registry refuses more."""
SHIFT_DAYS_MAX: Final = 366
"""Days of one shift; the registry refuses more."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """Members who take turns for `days` days each, handing over at `hand_over` on the wall clock.

    The first member's turn began on the day `start`; the turns go on for ever, both ways.
    """

    members: tuple[str, ...]
    start: date
    days: int = 1
    hand_over: time = time(8)

    def begins(self, turn: int, zone: ZoneInfo) -> datetime:
        """Return when a turn begins (UTC); it ends when the next begins."""
        return moment(self.start + turn * self.days * DAY, self.hand_over, zone)

    def turn_at(self, at: datetime, zone: ZoneInfo) -> int:
        """Return the number of the one turn that `at` belongs to, negative before `start`."""
        turn = (local_day(at, zone) - self.start).days // self.days
        while self.begins(turn, zone) > at:
            turn -= 1
        while self.begins(turn + 1, zone) <= at:
            turn += 1
        return turn

    def order_at(self, at: datetime, zone: ZoneInfo) -> tuple[str, ...]:
        """Return the members, whose turn it is first, then who comes next."""
        first = self.turn_at(at, zone) % len(self.members)
        return self.members[first:] + self.members[:first]


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a rota: whose turn it is, or another rota, in some hours of some days.

    hours: None for always. first, last: days from whose `hand_over` and until the end of which a
    temporary schedule applies; None for ever.
    """

    turns: "Rotation | Rota"
    hours: Hours | None = None
    first: date | None = None
    last: date | None = None


class Kind(StrEnum):
    """What an override does to who is on call."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Override:
    """A word on one rota for a span: these doctors instead, these as well, or not these."""

    kind: Kind
    doctors: tuple[str, ...]
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class HandOver:
    """A word on one rota for a span: what is the giver's is the taker's."""

    giver: str
    taker: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Leave:
    """A doctor is away, from every rota; `substitute` stands in, or the next in order."""

    doctor: str
    begin: datetime
    end: datetime
    substitute: str | None = None


Word = Override | HandOver


@dataclass(frozen=True, slots=True)
class Rota:
    """Who is on call for a centre or a team, at every moment, in the centre's zone.

    words: in the order in which they were said; the later prevails.
    """

    rota_id: str
    zone: ZoneInfo
    layers: tuple[Layer, ...]
    words: tuple[Word, ...] = ()
    leaves: tuple[Leave, ...] = ()
    holidays: Holidays = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shift:
    """A span in which the same people are on call, the first of them first; nobody: a hole."""

    begin: datetime
    end: datetime
    doctors: tuple[str, ...]


Rotas = Mapping[str, Rota]
