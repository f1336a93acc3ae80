"""How measurements and items are written down: the same in every language, with codes as they
travel. 141/90 mmHg 77/min #1 is a pressure, its pulse, and the number of a user of the cuff."""

from datetime import datetime

from yikao_devices.wire import (
    BloodPressureReading,
    DeviceEvent,
    GlucoseReading,
    HeartRateReading,
    Item,
    RefusedFrame,
    WeightReading,
    kind_of,
)
from yikao_sim.zoo.taken import Beats, Failure, NotBlood, Pressure, Sugar, Taken, Weighing


def show(item: Item) -> str:
    """Return one item that was printed."""
    match item:
        case BloodPressureReading():
            value = _pressure(item.systolic_mmhg, item.diastolic_mmhg, item.pulse_bpm, item.user)
        case GlucoseReading():
            value = _sugar(item.glucose_mmol_l, item.meal)
        case WeightReading():
            value = f"{item.weight_kg:g} kg"
        case HeartRateReading():
            value = f"{item.pulse_bpm:g}/min"
        case DeviceEvent():
            return f"event {item.code}"
        case RefusedFrame():
            return f"refused {item.frame}"
        case _:
            return kind_of(item)
    flags = f" [{' '.join(item.flags)}]" if item.flags else ""
    return f"{value} {show_time(item.measured_at)}{flags}"


def show_taken(taken: Taken) -> str:
    """Return what was measured."""
    match taken:
        case Pressure(_, systolic, diastolic, pulse, user):
            return _pressure(systolic, diastolic, pulse, user)
        case Sugar():
            return taken.limit or _sugar(taken.mmol_l, taken.meal)
        case Weighing():
            return f"{taken.kg:g} kg"
        case Beats():
            return f"{taken.bpm:g}/min"
        case Failure():
            return "Err"
        case NotBlood():
            return f"({taken.mmol_l:g} mmol/L)"


def show_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _pressure(systolic: float, diastolic: float, pulse: float | None, user: int | None) -> str:
    beats = "" if pulse is None else f" {pulse:g}/min"
    whose = "" if user is None else f" #{user}"
    return f"{systolic:g}/{diastolic:g} mmHg{beats}{whose}"


def _sugar(mmol_l: float | None, meal: str | None) -> str:
    value = "— mmol/L" if mmol_l is None else f"{mmol_l:g} mmol/L"
    return f"{value} {meal}" if meal else value
