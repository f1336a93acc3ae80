"""What scales, thermometers, oximeters and straps send: readings that no rule looks at.

They come from the clinic's second device: which kinds a device has, the registry does not say.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid5

from clinic import METER, NAMESPACE, NOW

from yikao_devices import wire


def weight(kg: float = 62.5, *, at: datetime = NOW, **more: Any) -> wire.WeightReading:
    """Return a weighing."""
    return wire.WeightReading(**_common("weight", at, kg, {"unit": "kg", "weight_kg": kg} | more))


def temperature(c: float = 36.6, *, at: datetime = NOW, **more: Any) -> wire.TemperatureReading:
    """Return a thermometer's reading, taken in the ear."""
    values = {"unit": "Cel", "temperature_c": c, "flags": ("site_ear",)} | more
    return wire.TemperatureReading(**_common("temperature", at, c, values))


def oximetry(pct: float = 97.0, *, at: datetime = NOW, **more: Any) -> wire.OximetryReading:
    """Return what a clip on a finger says, with the pulse that it counts."""
    values = {"spo2_pct": pct, "pulse_bpm": 71.0} | more
    return wire.OximetryReading(**_common("oximetry", at, pct, values))


def heart_rate(bpm: float = 72.0, *, at: datetime = NOW, **more: Any) -> wire.HeartRateReading:
    """Return a minute of a strap."""
    return wire.HeartRateReading(**_common("heart_rate", at, bpm, {"pulse_bpm": bpm} | more))


EVERY: tuple[Callable[..., wire.Reading], ...] = (weight, temperature, oximetry, heart_rate)


def _common(kind: str, at: datetime, value: float, more: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "reading_id": uuid5(NAMESPACE, f"{kind}|{at.isoformat()}|{value}|{more.get('user')}"),
        "device": METER,
        "measured_at": at,
        "doubt_s": 1.0,
        "clocks": wire.Clocks(at),
    }
    return values | more
