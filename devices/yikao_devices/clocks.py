"""When was it measured? Three clocks and how far to believe them.

The device's clock has no zone and may be wrong; the gateway's is kept by the network; the server
adds its own on arrival. The gateway compares the device's clock with its own at each connection,
and records are dated by the difference. That difference is only true since the clock was last set:
where a record cannot lie before the next one it belongs to an earlier epoch of the clock. Nothing
is thrown away: the device's time is sent beside the corrected one, with the doubt in seconds.

Source of the bounds: rule DQ-04 of the rule table (future by more than 2 minutes, an offset of
more than 5 minutes, a year before 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

from yikao_devices.clock_epochs import (
    CLOCK_ERROR,
    EARLIEST,
    JUMP_MIN_S,
    ClockSeen,
    ahead_of_utc,
    epochs_of,
    whole_doubt_s,
)
from yikao_devices.clock_order import Place, consistent, places_of

GATEWAY_CLOCK_UNSET: Final = "gateway_clock_unset"
"""Flag on a reading that arrived while the gateway itself did not know the time."""


class DeviceTime(Protocol):
    """A time as the device wrote it into a record."""

    def to_datetime(self) -> datetime | None:
        """Return the moment on the device's clock, naive, or None when it is no valid date."""
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """The best time we can give, aware, in the gateway's zone; its doubt; what was wrong."""

    at: datetime
    doubt_s: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """A record's own time, if it has one, and when it reached the gateway (aware, home's zone)."""

    time: DeviceTime | None
    arrived_at: datetime


def moment_of(
    device: DeviceTime | None,
    gateway: datetime,
    offset_s: float | None,
    before: ClockSeen | None = None,
) -> Moment:
    """Return when a record was measured of which nobody knows what came before and after it.

    device: the record's own time. gateway: aware, in the home's zone, when the record arrived.
    offset_s: the device's clock minus the gateway's, None where the device's cannot be read.
    before: what the last visit found.
    """
    return moments_of([Stamp(device, gateway)], offset_s, before)[0]


def moments_of(
    stamps: Sequence[Stamp], offset_s: float | None, before: ClockSeen | None = None
) -> list[Moment]:
    """Return when the records of one drain were measured; `stamps` in the order of measuring.

    None lies in the future, none before the one that was measured before it. The arguments are
    those of `moment_of`, and `offset_s` is that at the last arrival.
    """
    if not stamps:
        return []
    zone = stamps[-1].arrived_at.tzinfo
    assert zone is not None, "the gateway's time carries its zone"
    arrived = stamps[-1].arrived_at.astimezone(UTC)
    ahead_s = None if offset_s is None else offset_s + ahead_of_utc(arrived, zone)
    if before is not None:
        # Two times of one zone would be compared by the digits on the wall.
        before = replace(before, at=before.at.astimezone(UTC))
    epochs = epochs_of(ClockSeen(arrived, ahead_s), before, zone)
    floor = before.at if before is not None and before.drained else EARLIEST
    places: list[list[Place]] = []
    for stamp in reversed(stamps):
        shown = stamp.time.to_datetime() if stamp.time is not None else None
        after = places[-1] if places else []
        places.append(places_of(shown, stamp.arrived_at.astimezone(UTC), epochs, after, floor))
    places.reverse()
    return _decide(stamps, places, floor)


def offset_s(device: DeviceTime, gateway: datetime) -> float | None:
    """Return the device's clock minus the gateway's wall clock in seconds; None for a non-date.

    Digits are compared with digits, so that an hour which comes twice is no difference.
    """
    local = device.to_datetime()
    if local is None or gateway.tzinfo is None:
        return None
    return (local - gateway.replace(tzinfo=None)).total_seconds()


def _decide(
    stamps: Sequence[Stamp], places: Sequence[Sequence[Place]], floor: datetime
) -> list[Moment]:
    """Return the likeliest place of each record, doubted by the others that are left."""
    moments: list[Moment] = []
    left: Sequence[Place] = ()
    for stamp, each in zip(stamps, places, strict=True):
        left = consistent(each, left) if left else each
        moment = _likeliest(left, stamp, floor)
        if moments and moment.at < moments[-1].at:
            flags = _with_error(moment.flags)
            moment = Moment(moments[-1].at, max(moment.doubt_s, moments[-1].doubt_s), flags)
        moments.append(moment)
        if left[0].epoch is not None:
            floor = max(floor, min(place.at for place in left))
    return [
        replace(moment, at=moment.at.astimezone(stamp.arrived_at.tzinfo))
        for moment, stamp in zip(moments, stamps, strict=True)
    ]


def _likeliest(places: Sequence[Place], stamp: Stamp, floor: datetime) -> Moment:
    """Return the moment of a record, in UTC. floor: the record was not measured before."""
    newest, oldest = places[0], places[-1]
    epoch = newest.epoch
    if epoch is None or newest.shown is None:
        flags = (CLOCK_ERROR,) if stamp.time is not None else ()
        return Moment(newest.at, whole_doubt_s((newest.at - floor).total_seconds()), flags)
    apart_s = abs((newest.at - oldest.at).total_seconds())
    if apart_s <= JUMP_MIN_S or oldest.epoch is None:
        return Moment(newest.at, epoch.doubt_s(newest.at, newest.shown), epoch.flags)
    doubt_s = whole_doubt_s(apart_s)
    if not epoch.followed_zone(oldest.epoch):
        return Moment(newest.at, doubt_s, _with_error(epoch.flags))
    # A clock that changed with the home's zone is read as the zone was.
    earlier = epoch.zone_was(newest.at, oldest.epoch) and epoch.zone_was(oldest.at, oldest.epoch)
    return Moment((oldest if earlier else newest).at, doubt_s, epoch.flags)


def _with_error(flags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*flags, CLOCK_ERROR)))
