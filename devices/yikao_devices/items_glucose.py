"""Glucose: from a meter's decoded record and its context to a reading, or the event that it is
none.

Control solution and ketones are nobody's glucose; HI and LO are kept as words; a negative
concentration is refused.

Source: Bluetooth SIG, Glucose Service 1.0.1. Behaviours: docs/devices.md.
"""

from datetime import timedelta
from typing import Final

from yikao_devices.date_time import DateTime, date_time_of
from yikao_devices.errors import FrameError
from yikao_devices.glucose import TYPE_CONTROL_SOLUTION, Glucose, SensorStatus
from yikao_devices.glucose_context import MEAL_KETONE, MEALS, GlucoseContext
from yikao_devices.readings import (
    Origin,
    clocks_of,
    event_item,
    identity_of,
    names_of,
    number_of,
)
from yikao_devices.units import mg_dl_of_kg_l, mmol_l_of_kg_l, mmol_l_of_mol_l
from yikao_devices.wire import GlucoseReading, Item

CONTROL_SOLUTION: Final = "control_solution"
NO_RESULT: Final = "no_result"
CONTEXT_MISSING: Final = "context_missing"
KETONE_RECORD: Final = "ketone_record"

_ON_THE_DISPLAY: Final = {"too_high": "hi", "too_low": "lo"}


def glucose_item(
    value: Glucose, context: GlucoseContext | None, frame: bytes, origin: Origin
) -> Item:
    """Return the reading in `value` and its context, or the event that it is none.

    Refuses a negative concentration with `FrameError`: some meters fill "no value" with ones.
    """
    shown = shown_time(value)
    moment = origin.moment(shown, value.seq)
    status = SensorStatus(value.status or 0)
    limit = status & (SensorStatus.TOO_HIGH | SensorStatus.TOO_LOW)
    amount = None if limit else number_of(value.value)
    record = value.seq if origin.sequence_is_cursor else None
    values = (amount, value.unit, value.type, int(limit))
    identity = identity_of(origin, "glucose", value.time, values, record)
    if amount is not None and amount < 0:
        raise FrameError("a negative concentration is no result", frame)
    if value.type == TYPE_CONTROL_SOLUTION:
        return event_item(CONTROL_SOLUTION, identity, shown, moment, frame, origin)
    if context is not None and context.meal == MEAL_KETONE:
        return event_item(KETONE_RECORD, identity, shown, moment, frame, origin)
    if amount is None and not limit:
        return event_item(NO_RESULT, identity, shown, moment, frame, origin)
    # Announced and never come: it might have said that this is no glucose at all.
    missing = (CONTEXT_MISSING,) if value.context_follows and context is None else ()
    by_mass = value.unit == "kg/L"
    return GlucoseReading(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=clocks_of(shown, origin),
        record=value.seq,
        glucose_mmol_l=None if amount is None else _mmol_l(amount, by_mass),
        glucose_mg_dl=mg_dl_of_kg_l(amount) if by_mass and amount is not None else None,
        unit="mg/dL" if by_mass else "mmol/L",
        meal=MEALS.get(context.meal) if context is not None and context.meal else None,
        model=origin.model,
        flags=moment.flags + _words(status) + missing,
        frame=frame.hex(),
    )


def shown_time(value: Glucose) -> DateTime:
    """Return the time the user saw: the base time never moves, the offset holds every change.

    Source: Glucose Service 1.0.1, section 3.1.1.4.
    """
    base = value.time.to_datetime()
    if base is None or not value.offset_min:
        return value.time
    try:
        return date_time_of(base + timedelta(minutes=value.offset_min))
    except OverflowError:
        return value.time


def _words(status: SensorStatus) -> tuple[str, ...]:
    """Return the set bits by name; a meter's two limits by the words on its display."""
    return tuple(_ON_THE_DISPLAY.get(name, name) for name in names_of(status))


def _mmol_l(amount: float, by_mass: bool) -> float:
    return mmol_l_of_kg_l(amount) if by_mass else mmol_l_of_mol_l(amount)
