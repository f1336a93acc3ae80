"""From a decoded frame to what we tell the server: a reading, an event, or a refused frame.

Here the judgement happens that the decoders leave open. A failed measurement is an event, never a
number; control solution is nobody's blood; HI and LO are kept as words; a negative concentration
is refused. Units are converted here and nowhere else, and the device's own number stays beside.

Source of the factors: 1 kPa = 7.50062 mmHg; 1 kg/L = 100 000 mg/dL; 1 mol/L = 1 000 mmol/L;
1 mmol/L glucose = 18.0182 mg/dL (molar mass 180.156 g/mol). Behaviours: docs/devices.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from yikao_devices.blood_pressure import USER_UNKNOWN, BloodPressure, Status
from yikao_devices.clock_epochs import ClockSeen
from yikao_devices.clocks import GATEWAY_CLOCK_UNSET, DeviceTime, Moment, moment_of
from yikao_devices.date_time import DateTime, date_time_of
from yikao_devices.errors import FrameError
from yikao_devices.gatt import hex16
from yikao_devices.glucose import TYPE_CONTROL_SOLUTION, Glucose, SensorStatus
from yikao_devices.glucose_context import MEAL_KETONE, MEALS, GlucoseContext
from yikao_devices.sfloat import Number, Special
from yikao_devices.wire import (
    BloodPressureReading,
    Clocks,
    DeviceEvent,
    GlucoseReading,
    Item,
    RefusedFrame,
)

MMHG_PER_KPA: Final = 7.50062
MG_DL_PER_KG_L: Final = 100_000
MMOL_L_PER_MOL_L: Final = 1_000
MG_DL_PER_MMOL_L: Final = 18.0182

NAMESPACE: Final = UUID("5f0d3c3e-4f0b-5d0c-9a54-79696b616f31")
"""Root of all reading ids; it may never change, or every stored record would arrive anew."""

MEASUREMENT_FAILED: Final = "measurement_failed"
CONTROL_SOLUTION: Final = "control_solution"
NO_RESULT: Final = "no_result"
CONTEXT_MISSING: Final = "context_missing"
KETONE_RECORD: Final = "ketone_record"


Moments = Mapping[tuple[int, DeviceTime], Moment]
"""When the records of a drain were measured, by number and the time that was shown."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a frame came from: device address, model, arrival, and the clock's offset if known.

    before: the clock at the last visit. moments: what was decided of all records together.
    clock_unset: the gateway did not know the time when the frame arrived.
    """

    device: str
    model: str | None
    arrived_at: datetime
    device_offset_s: float | None
    sequence_is_cursor: bool = True
    clock_is_believed: bool = True
    before: ClockSeen | None = None
    moments: Moments = field(default_factory=dict)
    clock_unset: bool = False

    def moment(self, time: DeviceTime | None, record: int | None = None) -> Moment:
        """Return when the record was measured that carries `time`, and its number if it has one."""
        believed = time if self.clock_is_believed else None
        moment = None
        if believed is not None and record is not None:
            moment = self.moments.get((record, believed))
        if moment is None:
            moment = moment_of(believed, self.arrived_at, self.device_offset_s, self.before)
        if not self.clock_unset:
            return moment
        return replace(moment, flags=(*moment.flags, GATEWAY_CLOCK_UNSET))


def blood_pressure_item(value: BloodPressure, frame: bytes, origin: Origin) -> Item:
    """Return the reading in `value`, or the event that the measurement failed."""
    moment = origin.moment(value.time)
    systolic, diastolic = _number(value.systolic), _number(value.diastolic)
    pulse, mean = _number(value.pulse), _number(value.map)
    user = None if value.user == USER_UNKNOWN else value.user
    identity = _identity(
        origin, "blood_pressure", value.time, None, (systolic, diastolic, pulse, user)
    )
    if systolic is None or diastolic is None:
        return _event(MEASUREMENT_FAILED, identity, value.time, moment, frame, origin)
    kpa = value.unit == "kPa"
    return BloodPressureReading(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=_clocks(value.time, origin),
        systolic_mmhg=_mmhg(systolic, kpa),
        diastolic_mmhg=_mmhg(diastolic, kpa),
        # Several cuffs send 0 for a mean pressure they do not compute.
        mean_mmhg=_mmhg(mean, kpa) if mean else None,
        pulse_bpm=pulse,
        unit="kPa" if kpa else "mmHg",
        systolic_kpa=systolic if kpa else None,
        diastolic_kpa=diastolic if kpa else None,
        mean_kpa=mean if kpa and mean else None,
        user=user,
        model=origin.model,
        flags=moment.flags + _names(Status(value.status or 0)),
        frame=frame.hex(),
    )


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
    amount = None if limit else _number(value.value)
    record = value.seq if origin.sequence_is_cursor else None
    values = (amount, value.unit, value.type, int(limit))
    identity = _identity(origin, "glucose", value.time, record, values)
    if amount is not None and amount < 0:
        raise FrameError("a negative concentration is no result", frame)
    if value.type == TYPE_CONTROL_SOLUTION:
        return _event(CONTROL_SOLUTION, identity, shown, moment, frame, origin)
    if context is not None and context.meal == MEAL_KETONE:
        return _event(KETONE_RECORD, identity, shown, moment, frame, origin)
    if amount is None and not limit:
        return _event(NO_RESULT, identity, shown, moment, frame, origin)
    # Announced and never come: it might have said that this is no glucose at all.
    missing = (CONTEXT_MISSING,) if value.context_follows and context is None else ()
    return GlucoseReading(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=_clocks(shown, origin),
        record=value.seq,
        glucose_mmol_l=_mmol_l(amount, value.unit),
        glucose_mg_dl=_mg_dl(amount) if value.unit == "kg/L" else None,
        unit="mg/dL" if value.unit == "kg/L" else "mmol/L",
        meal=MEALS.get(context.meal) if context is not None and context.meal else None,
        model=origin.model,
        flags=moment.flags + _names(status) + missing,
        frame=frame.hex(),
    )


def refused_item(error: FrameError, characteristic: int, origin: Origin) -> RefusedFrame:
    """Return the refused frame as something that can travel; the same bytes give the same id."""
    name = "|".join((origin.device, "refused", hex16(characteristic), error.frame.hex()))
    return RefusedFrame(
        reading_id=uuid5(NAMESPACE, name),
        device=origin.device,
        characteristic=hex16(characteristic),
        frame=error.frame.hex(),
        reason=error.reason,
        clocks=_clocks(None, origin),
    )


def _identity(
    origin: Origin,
    kind: str,
    time: DateTime | None,
    record: int | None,
    values: tuple[object, ...],
) -> UUID:
    """Return the id that the same stored record gets at every reading of the device.

    A record without any time of its own is told apart by its arrival, to the second.
    """
    when = time.isoformat() if time is not None else f"{origin.arrived_at.timestamp():.0f}"
    return uuid5(NAMESPACE, "|".join(map(str, (origin.device, kind, when, record, *values))))


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


def _event(
    code: str,
    identity: UUID,
    time: DateTime | None,
    moment: Moment,
    frame: bytes,
    origin: Origin,
) -> DeviceEvent:
    return DeviceEvent(
        reading_id=identity,
        device=origin.device,
        measured_at=moment.at,
        doubt_s=moment.doubt_s,
        clocks=_clocks(time, origin),
        code=code,
        frame=frame.hex(),
    )


def _clocks(time: DateTime | None, origin: Origin) -> Clocks:
    return Clocks(
        t_hub=origin.arrived_at,
        t_dev=time.isoformat() if time is not None else None,
        device_offset_s=origin.device_offset_s,
    )


def _names(flags: Status | SensorStatus) -> tuple[str, ...]:
    """Return the set bits by name; a meter's two limits by the words on its display."""
    names = (str(flag.name).lower() for flag in type(flags) if flag in flags)
    return tuple({"too_high": "hi", "too_low": "lo"}.get(name, name) for name in names)


def _number(value: Number | None) -> float | None:
    return None if isinstance(value, Special) else value


def _mmhg(value: float, kpa: bool) -> float:
    return round(value * MMHG_PER_KPA, 1) if kpa else value


def _mg_dl(kg_l: float | None) -> float | None:
    return None if kg_l is None else round(kg_l * MG_DL_PER_KG_L, 1)


def _mmol_l(amount: float | None, unit: str | None) -> float | None:
    if amount is None:
        return None
    if unit == "kg/L":
        return round(amount * MG_DL_PER_KG_L / MG_DL_PER_MMOL_L, 2)
    return round(amount * MMOL_L_PER_MOL_L, 2)
