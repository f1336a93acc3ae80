"""A reading as columns of the table, as far as they follow from what was sent.

Made while the database is busy with the readings before: what is left for later are the numbers of
resident and message, and when it came.
"""

from datetime import datetime, timedelta
from typing import Final

from yikao_devices import wire

Row = tuple[object, ...]

DAY_S: Final = 86_400
AHEAD_MAX_S: Final = 2**31 - 1
HALF_S: Final = 500_000
"""Microseconds."""
_SHOWN: Final = "2026-11-22T07:30:00"
_SHOWN_LENGTH: Final = len(_SHOWN)
_SHOWN_MARKS: Final = _SHOWN[4:17:3]
_NO_PRESSURE: Final = (None,) * 7
_NO_GLUCOSE: Final = (None,) * 2


def row_of(item: wire.Reading) -> Row:
    """Return the columns of `copy_readings` from the values on, but for the last."""
    if isinstance(item, wire.BloodPressureReading):
        values: Row = (
            item.systolic_mmhg,
            item.diastolic_mmhg,
            item.mean_mmhg,
            item.pulse_bpm,
            item.systolic_kpa,
            item.diastolic_kpa,
            item.mean_kpa,
            *_NO_GLUCOSE,
        )
        meal = None
    else:
        values = (*_NO_PRESSURE, item.glucose_mmol_l, item.glucose_mg_dl)
        meal = item.meal
    clocks = item.clocks
    ahead_s, zone_s = device_clock(clocks, item.measured_at)
    return (
        *values,
        *(item.unit, meal, item.record, item.user, list(item.flags), item.doubt_s),
        clocks.t_dev if ahead_s is None else None,
        clocks.device_offset_s if zone_s is None else None,
        milliseconds(clocks.t_hub - item.measured_at),
        ahead_s,
        zone_s,
    )


def device_clock(clocks: wire.Clocks, measured_at: datetime) -> tuple[int | None, int | None]:
    """Return by how much a device's clock, taken as UTC, was ahead, and how much of it is its zone.

    In seconds: from them the schema's `device_words` and `device_offset` make again what the
    gateway sent. None for what they would not, so that it has to be kept itself.
    """
    shown = shown_at(clocks.t_dev)
    if shown is None:
        return None, None
    ahead = shown - measured_at
    ahead_us = (ahead.days * DAY_S + ahead.seconds) * 1_000_000 + ahead.microseconds
    # What shows whole seconds is known from its time to the nearest.
    ahead_s = -((HALF_S - ahead_us) // 1_000_000)
    if not -AHEAD_MAX_S <= ahead_s <= AHEAD_MAX_S:
        return None, None
    if clocks.device_offset_s is None or abs(clocks.device_offset_s) > AHEAD_MAX_S:
        return ahead_s, None
    zone_us = ahead_us - round(clocks.device_offset_s * 1_000_000)
    zone_s = round(zone_us / 1_000_000)
    agrees = abs(zone_us - zone_s * 1_000_000) <= 1 and abs(zone_s) <= AHEAD_MAX_S
    return ahead_s, zone_s if agrees else None


def shown_at(words: str | None) -> datetime | None:
    """Return a device's clock, taken as UTC, from its words; None where other words say it, too."""
    if words is None or len(words) != _SHOWN_LENGTH or words[4:17:3] != _SHOWN_MARKS:
        return None
    try:
        return datetime.fromisoformat(f"{words}+00:00")
    except ValueError:
        return None


def milliseconds(span: timedelta) -> int:
    """Return how many whole milliseconds a span has; one that goes back ends no later for it."""
    return (span.days * DAY_S + span.seconds) * 1000 + span.microseconds // 1000
