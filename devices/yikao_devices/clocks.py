"""When was it measured? Three clocks and how far to believe them.

The device's clock has no zone and may be wrong; the gateway's is kept by the network; the server
adds its own on arrival. The gateway compares the device's clock with its own at each connection,
so that a record's time can be corrected by the difference. Nothing is thrown away: the device's
time is sent beside the corrected one, with the doubt in seconds.

Source of the bounds: rule DQ-04 of the rule table (future by more than 2 minutes, an offset of
more than 5 minutes, a year before 2020).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from yikao_devices.date_time import DateTime

FUTURE_MAX: Final = timedelta(minutes=2)
OFFSET_MAX_S: Final = 300.0
YEAR_MIN: Final = 2020

DOUBT_CORRECTED_S: Final = 2.0
"""One second of the device's resolution, one of the radio's delay."""
DOUBT_UNCHECKED_S: Final = OFFSET_MAX_S
"""A device whose clock cannot be read: believed to the offset at which we would have flagged it."""
DOUBT_UNKNOWN_S: Final = 86_400.0
"""No usable device time: the record may be any of those since the last connection."""

CLOCK_ERROR: Final = "clock_error"
"""Flag on a reading whose device clock breaks a bound above; rule DQ-04 reports it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The best time we can give, aware, in the gateway's zone; its doubt; what was wrong."""

    at: datetime
    doubt_s: float
    flags: tuple[str, ...] = ()


def moment_of(device: DateTime | None, gateway: datetime, offset_s: float | None) -> Moment:
    """Return when a record was measured.

    device: the record's own time. gateway: aware, in the home's zone, when the record arrived.
    offset_s: the device's clock minus the gateway's, None where the device's cannot be read.
    """
    zone = gateway.tzinfo
    assert zone is not None, "the gateway's time carries its zone"
    local = device.to_datetime() if device is not None else None
    if local is None:
        return Moment(gateway, DOUBT_UNKNOWN_S, (CLOCK_ERROR,) if device is not None else ())
    try:
        at = _place(local, zone) - timedelta(seconds=offset_s or 0.0)
    except OverflowError:
        # A clock at either end of the calendar, corrected beyond it.
        return Moment(gateway, DOUBT_UNKNOWN_S, (CLOCK_ERROR,))
    if at.year < YEAR_MIN or at > gateway + FUTURE_MAX:
        return Moment(gateway, DOUBT_UNKNOWN_S, (CLOCK_ERROR,))
    if offset_s is None:
        return Moment(at, DOUBT_UNCHECKED_S)
    flags = (CLOCK_ERROR,) if abs(offset_s) > OFFSET_MAX_S else ()
    return Moment(min(at, gateway), DOUBT_CORRECTED_S, flags)


def offset_s(device: DateTime, gateway: datetime) -> float | None:
    """Return the device's clock minus the gateway's wall clock in seconds; None for a non-date."""
    local = device.to_datetime()
    if local is None or gateway.tzinfo is None:
        return None
    return (_place(local, gateway.tzinfo) - gateway).total_seconds()


def _place(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone)
