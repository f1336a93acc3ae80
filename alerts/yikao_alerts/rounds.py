"""The rounds after a crisis: measured again at set times, each round judged by what it measured.

A round takes the readings made around its time. Pressure is judged as a crisis is confirmed, by the
mean of two readings, or of three where two differ; glucose by a single one. What a round said when
it was decided stays so, whatever arrives later: nobody is called, or not called, in hindsight.

Source: the protocols RECHECK_20 and RECHECK_GLU_15 of the rule set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from yikao_alerts.confirm import differ
from yikao_alerts.contexts import STANDING
from yikao_alerts.history import Measurement
from yikao_alerts.limits import Limit
from yikao_alerts.rules.model import Protocol, Recheck
from yikao_alerts.series import mean_of

EARLY = 4
"""A round begins a quarter of the pause before its time, D: sooner measured is too soon to judge,
and belongs to the confirmation. It lasts until the next one begins."""


class Grade(StrEnum):
    """How a round stands, or what it said, from the worst to the best."""

    PLANNED = "planned"
    MEASURING = "measuring"
    MISSED = "missed"
    EXTREME = "extreme"
    STILL = "still"
    BETWEEN = "between"
    BELOW = "below"
    CALM = "calm"


DECIDED = frozenset({Grade.EXTREME, Grade.STILL, Grade.BETWEEN, Grade.BELOW, Grade.CALM})


@dataclass(frozen=True, slots=True)
class Round:
    """One round: when it is due, until when it may be measured, and what came of it.

    used: the readings that count so far. mean: of them, in their own unit. decided_at: when the
    last of them had arrived, or when no further one was waited for; None while it is open.
    """

    number: int
    due_at: datetime
    until: datetime
    grade: Grade
    used: tuple[Measurement, ...] = ()
    mean: dict[str, float] = field(default_factory=dict)
    decided_at: datetime | None = None
    waits_until: datetime | None = None
    """While it is measured: when it is decided without a further reading."""


@dataclass(frozen=True, slots=True)
class Judge:
    """How rounds are judged: the protocol's numbers, and what is known to be unsure.

    flags: what a meter says instead of a value that is too low to show. doubted: keys of readings
    that may be another person's, which never calm anybody.
    """

    recheck: Recheck
    protocol: Protocol | None
    flags: frozenset[str]
    doubted: frozenset[str]

    def rounds(
        self, started: datetime, arrivals: Sequence[Measurement], now: datetime
    ) -> tuple[Round, ...]:
        """Return all rounds as they stand at `now`; arrivals: in order of their arrival."""
        numbers = range(1, self.recheck.rounds_max + 1)
        return tuple(self._round(number, started, arrivals, now) for number in numbers)

    def _round(
        self, number: int, started: datetime, arrivals: Iterable[Measurement], now: datetime
    ) -> Round:
        every = self.recheck.every
        due = started + number * every
        begin, until = due - every / EARLY, due + every - every / EARLY
        own = [m for m in arrivals if begin <= m.at < until]
        if not own:
            return Round(number, due, until, Grade.PLANNED if now < until else Grade.MISSED)
        used, decided_at = self._used(own)
        if decided_at > now:
            waiting = Grade.MEASURING
            return Round(number, due, until, waiting, used, waits_until=decided_at)
        mean = mean_of(used, self._fields)
        return Round(number, due, until, self._grade(used, mean), used, mean, decided_at)

    def _used(self, own: Sequence[Measurement]) -> tuple[tuple[Measurement, ...], datetime]:
        """Return the readings that count, and when that was, or will be, settled."""
        first = own[0]
        if self.protocol is None:
            return (first,), first.received_at
        deadline = first.received_at + self.protocol.window
        used: tuple[Measurement, ...] = ()
        for count, arrived in enumerate(own, start=1):
            if arrived.received_at > deadline:
                break
            used = self._counted(self.protocol, sorted(own[:count], key=lambda m: (m.at, m.key)))
            if _enough(self.protocol, used):
                return used, arrived.received_at
        return used, deadline

    @staticmethod
    def _counted(protocol: Protocol, readings: Sequence[Measurement]) -> tuple[Measurement, ...]:
        """Return the readings, a gap apart, that can be put into one mean."""
        used = [readings[0]]
        for measurement in readings[1:]:
            alike = measurement.unit == used[0].unit and (
                (measurement.context == STANDING) is (used[0].context == STANDING)
            )
            apart = measurement.at - used[-1].at >= protocol.gap
            if alike and apart and not _enough(protocol, used):
                used.append(measurement)
        return tuple(used)

    def _grade(self, used: Sequence[Measurement], mean: dict[str, float]) -> Grade:
        recheck = self.recheck
        if reached(recheck.escalate, used[0], mean):
            return Grade.EXTREME
        if reached(recheck.still, used[0], mean) or any(self.flags & m.flags for m in used):
            return Grade.STILL
        if any(self._unsure(m) for m in used):
            return Grade.BETWEEN
        if within(recheck.resolve, used[0], mean):
            return Grade.CALM
        below = bool(recheck.downgrade) and within(recheck.downgrade, used[0], mean)
        return Grade.BELOW if below else Grade.BETWEEN

    def _unsure(self, measurement: Measurement) -> bool:
        """Return whether a reading may be somebody else's, or of another time: it calms nobody."""
        unknown_time = timedelta(seconds=measurement.doubt_s) > self.recheck.every
        return unknown_time or measurement.key in self.doubted

    @property
    def _fields(self) -> set[str]:
        recheck = self.recheck
        limits = (*recheck.resolve, *recheck.downgrade, *recheck.escalate, *recheck.still)
        return {limit.field for limit in limits}


def _enough(protocol: Protocol, used: Sequence[Measurement]) -> bool:
    return len(used) > 2 or (len(used) == 2 and not differ(protocol, used[0], used[1]))


def reached(limits: Iterable[Limit], like: Measurement, mean: dict[str, float]) -> bool:
    """Return whether the mean of readings like this one reaches one of the limits."""
    return any(limit.reached(mean.get(limit.field), like.unit_of(limit.field)) for limit in limits)


def within(limits: Iterable[Limit], like: Measurement, mean: dict[str, float]) -> bool:
    """Return whether the mean of readings like this one reaches every limit."""
    return all(limit.reached(mean.get(limit.field), like.unit_of(limit.field)) for limit in limits)
