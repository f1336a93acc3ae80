"""What people measure when the remote control says so: which device, which numbers.

One request is one measurement, so it names the numbers of one device and no others.
"""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Final

import msgspec

from yikao_devices.blood_pressure import Status
from yikao_sim.air.service import Air
from yikao_sim.errors import SimError
from yikao_sim.home import Home

WORN_MAX_MIN: Final = 1440.0
_NUMBERS: Final = (
    "systolic",
    "glucose_mmol_l",
    "weight_kg",
    "temperature_c",
    "spo2_pct",
    "heart_rate_bpm",
)
"""What tells which device is used."""
MEASURED: Final = (
    "systolic and diastolic, glucose_mmol_l, weight_kg, temperature_c, spo2_pct or heart_rate_bpm"
)


class Measure(msgspec.Struct, tag_field="do", tag="measure", forbid_unknown_fields=True):
    """worn_min: of the strap, in the story's minutes. site: of the thermometer, by its number in
    the standard (3: the ear)."""

    home: str
    systolic: int | None = None
    diastolic: int | None = None
    pulse: int | None = None
    user: int | None = None
    irregular_pulse: bool = False
    body_movement: bool = False
    cuff_loose: bool = False
    glucose_mmol_l: float | None = None
    meal: str | None = None
    control_solution: bool = False
    weight_kg: float | None = None
    temperature_c: float | None = None
    site: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    spo2_pct: int | None = None
    heart_rate_bpm: int | None = None
    worn_min: Annotated[float, msgspec.Meta(gt=0, le=WORN_MAX_MIN)] = 3.0
    at: datetime | None = None


class Fail(msgspec.Struct, tag_field="do", tag="fail", forbid_unknown_fields=True):
    home: str
    user: int | None = None
    device: str = "cuff"


async def measure(request: Measure, air: Air) -> None:
    """Let the people of a home measure. Raises `SimError`."""
    home = air.home(request.home)
    if request.at is not None and request.at.tzinfo is None:
        raise SimError("`at` needs an offset, like 2026-03-02T21:50:00+08:00")
    named = [name for name in _NUMBERS if getattr(request, name) is not None]
    if len(named) != 1 or (request.systolic is None) != (request.diastolic is None):
        raise SimError(f"measure one thing: {MEASURED}")
    await _measurement(request, air, home)


def _measurement(request: Measure, air: Air, home: Home) -> Awaitable[None]:
    at, pulse, user = request.at, request.pulse, request.user
    match request:
        case Measure(systolic=int() as systolic, diastolic=int() as diastolic):
            status = _status(request)
            return air.measure_blood_pressure(
                home, systolic, diastolic, pulse, at=at, status=status, user=user
            )
        case Measure(glucose_mmol_l=float() as mmol_l):
            blood = {"meal": request.meal, "control_solution": request.control_solution}
            return air.measure_glucose(home, mmol_l, at=at, **blood)  # type: ignore[arg-type]
        case Measure(weight_kg=float() as kg):
            return air.measure_weight(home, kg, at=at, user=user)
        case Measure(temperature_c=float() as degrees_c):
            return air.measure_temperature(home, degrees_c, at=at, site=request.site)
        case Measure(spo2_pct=int() as spo2_pct):
            return air.measure_oxygen(home, spo2_pct, pulse, at=at)
        case Measure(heart_rate_bpm=int() as bpm):
            return air.wear_strap(home, bpm, request.worn_min)
    raise AssertionError("one of them is there")


def _status(request: Measure) -> Status:
    status = Status.IRREGULAR_PULSE * request.irregular_pulse
    status |= Status.BODY_MOVEMENT * request.body_movement
    status |= Status.CUFF_LOOSE * request.cuff_loose
    return Status(status)


async def fail(request: Fail, air: Air) -> None:
    """Let a measurement fail, on the device's display too. Raises `SimError`."""
    home = air.home(request.home)
    match request.device:
        case "cuff":
            await air.fail_blood_pressure(home, user=request.user)
        case "scale":
            await air.measure_weight(home, None, user=request.user)
        case "thermometer":
            await air.measure_temperature(home, None)
        case "oximeter":
            await air.measure_oxygen(home, None)
        case other:
            raise SimError(f"a {other} has no failed records: cuff, scale, thermometer, oximeter")
