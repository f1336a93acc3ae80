"""How a device's clock is to be read: one epoch from each setting of it to the next.

A cuff's clock runs evenly from one setting to the next and knows no summer time. So what it is
ahead of UTC stays the same for a whole epoch, whatever the home's zone does meanwhile. When its
battery is changed, or somebody sets it, a new epoch begins: what was stored before belongs to the
old one. A visit tells how the clock stands then; the visit before told how it stood before.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil
from typing import Final

FUTURE_MAX: Final = timedelta(minutes=2)
"""Rule DQ-04: a record may lie so far ahead of its arrival, or behind a setting of the clock."""
OFFSET_MAX_S: Final = 300.0
"""Rule DQ-04: a clock that is further off is a wrong one."""
EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""Rule DQ-04: no record is older."""
LATEST: Final = datetime.max.replace(tzinfo=UTC)

JUMP_MIN_S: Final = 60.0
"""A smaller change between two visits is drift, or the hand of whoever set the clock."""
DRIFT_MAX: Final = 1e-4
"""Seconds a second: 8.6 s a day, several times what a watch crystal does."""

DOUBT_CORRECTED_S: Final = 2.0
"""One second of the device's resolution, one of the radio's delay."""
DOUBT_UNCHECKED_S: Final = OFFSET_MAX_S
"""A device whose clock cannot be read: believed to the offset at which we would have flagged it."""
DOUBT_GUESSED_S: Final = 86_400.0
"""An epoch that nobody compared is read as the home's time: noon may have been set as midnight."""

CLOCK_ERROR: Final = "clock_error"
"""Flag on a reading whose device clock breaks a bound above; rule DQ-04 reports it."""


@dataclass(frozen=True, slots=True)
class ClockSeen:
    """What a visit found: at this moment the device's clock was `ahead_s` ahead of UTC.

    ahead_s: None where it could not be read. over: the clock was set right then, so that this
    holds for older records only. drained: every older record was read then.
    """

    at: datetime
    ahead_s: float | None
    over: bool = False
    drained: bool = False


@dataclass(frozen=True, slots=True)
class Epoch:
    """One way to read a device's clock, from `since` until `until`; all moments are in UTC.

    ahead_s: None reads it as the home's wall clock. bracket: an earlier comparison that found
    the same. rival: where another epoch fits a record, this one may be meant as well.
    """

    zone: tzinfo
    seen_at: datetime
    ahead_s: float | None
    since: datetime = EARLIEST
    until: datetime = LATEST
    bracket: ClockSeen | None = None
    rival: bool = False
    guess_s: float = 0.0
    flags: tuple[str, ...] = ()

    def place(self, shown: datetime, limit: datetime) -> datetime | None:
        """Return when the clock showed `shown`, naive; None where that lies outside the epoch."""
        try:
            if self.ahead_s is None:
                at = shown.replace(tzinfo=self.zone).astimezone(UTC)
            else:
                at = shown.replace(tzinfo=UTC) - timedelta(seconds=self.ahead_s)
        except OverflowError:
            # A clock at either end of the calendar, corrected beyond it.
            return None
        return at if self.since <= at <= min(self.until, limit) else None

    def doubt_s(self, at: datetime, shown: datetime) -> float:
        """Return how far `at` may be off: by drift, and where the clock may follow the zone."""
        if self.bracket is not None and self.bracket.at <= at:
            assert self.ahead_s is not None and self.bracket.ahead_s is not None
            return whole_doubt_s(abs(self.ahead_s - self.bracket.ahead_s))
        between_s = abs((at - self.seen_at).total_seconds())
        shift_s = abs(ahead_of_utc(at, self.zone) - ahead_of_utc(self.seen_at, self.zone))
        if self.ahead_s is None:
            return self.guess_s + max(shift_s, _fold_s(shown, self.zone))
        return whole_doubt_s(between_s * DRIFT_MAX + shift_s)

    def followed_zone(self, older: "Epoch") -> bool:
        """Return whether the clock changed since an older epoch by as much as the home's zone."""
        if self.ahead_s is None or older.ahead_s is None:
            return False
        zone_s = ahead_of_utc(self.seen_at, self.zone) - ahead_of_utc(older.seen_at, self.zone)
        return zone_s != 0 and abs(self.ahead_s - older.ahead_s - zone_s) <= JUMP_MIN_S

    def zone_was(self, at: datetime, older: "Epoch") -> bool:
        """Return whether the home's zone was at this moment what it was in an older epoch."""
        return ahead_of_utc(at, self.zone) == ahead_of_utc(older.seen_at, self.zone)


def whole_doubt_s(further_s: float) -> float:
    """Return a doubt in whole seconds: one for the device's resolution, and `further_s`."""
    return max(DOUBT_CORRECTED_S, float(ceil(1.0 + further_s)))


def ahead_of_utc(at: datetime, zone: tzinfo) -> float:
    """Return how far the home's wall clock is ahead of UTC at this moment."""
    ahead = at.astimezone(zone).utcoffset()
    assert ahead is not None, "a zone knows its offset"
    return ahead.total_seconds()


def epochs_of(now: ClockSeen, before: ClockSeen | None, zone: tzinfo) -> list[Epoch]:
    """Return the ways to read a device's clock, the newest epoch first, a guess last.

    now: this visit's comparison. before: the last visit's, as `remembered` kept it.
    """
    if before is not None and before.ahead_s is None:
        before = None
    measured: list[Epoch] = []
    if now.ahead_s is not None:
        measured.append(_epoch_now(now, now.ahead_s, before, zone))
    if before is not None and before.ahead_s is not None:
        measured.append(_epoch_before(before, before.ahead_s, zone))
    if measured:
        return [*measured, Epoch(zone, now.at, None, guess_s=DOUBT_GUESSED_S, flags=(CLOCK_ERROR,))]
    return [Epoch(zone, now.at, None, guess_s=DOUBT_UNCHECKED_S)]


def _epoch_now(now: ClockSeen, ahead_s: float, before: ClockSeen | None, zone: tzinfo) -> Epoch:
    since, flags = EARLIEST, _flags(now, zone)
    if before is not None and before.ahead_s is not None:
        if abs(ahead_s - before.ahead_s) <= JUMP_MIN_S:
            return Epoch(zone, now.at, ahead_s, bracket=before, flags=flags)
        # At the last visit the clock was another; this epoch is younger.
        since = max(EARLIEST, before.at - FUTURE_MAX)
    return Epoch(zone, now.at, ahead_s, since, flags=flags)


def _epoch_before(before: ClockSeen, ahead_s: float, zone: tzinfo) -> Epoch:
    flags = _flags(before, zone)
    if before.over:
        # What it has left to date is older; after a complete drain there should be nothing.
        until, rival = before.at + FUTURE_MAX, not before.drained
        return Epoch(zone, before.at, ahead_s, until=until, rival=rival, flags=flags)
    since = max(EARLIEST, before.at - FUTURE_MAX) if before.drained else EARLIEST
    return Epoch(zone, before.at, ahead_s, since, rival=True, flags=flags)


def remembered(
    before: ClockSeen | None, now: ClockSeen | None, *, complete: bool
) -> ClockSeen | None:
    """Return what to keep for the next visit of what two visits found.

    complete: everything was read. Else the older comparison still has records to date, unless the
    clock was set: then theirs is the newer one. A clock that could not be read is as it was.
    """
    if now is None or not (complete or now.over):
        return before
    if now.ahead_s is None and not now.over and before is not None and before.ahead_s is not None:
        return before
    return replace(now, drained=complete)


def _flags(seen: ClockSeen, zone: tzinfo) -> tuple[str, ...]:
    assert seen.ahead_s is not None
    off_s = abs(seen.ahead_s - ahead_of_utc(seen.at, zone))
    return (CLOCK_ERROR,) if off_s > OFFSET_MAX_S else ()


def _fold_s(shown: datetime, zone: tzinfo) -> float:
    """Return by how much a wall time is uncertain that comes twice, or never, that night."""
    early, late = (shown.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert early is not None and late is not None
    return abs((early - late).total_seconds())
