"""The columns of an export: what each holds, its unit and its code.

Units are UCUM (ucum.org), codes LOINC (loinc.org). One column holds one unit: no cell needs another
to be understood. What identifies a person stands in columns of its own, asked for by name.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from yikao_devices.codes import code_of


class Type(StrEnum):
    """What a cell holds; a moment is in UTC, codes are a list."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    MOMENT = "moment"
    CODES = "codes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `ucum`, `loinc`: empty where there is none."""

    name: str
    type: Type
    meaning: str
    ucum: str = ""
    loinc: str = ""


def _of(quantity: str) -> Column:
    """Return the column of a quantity of codes.py."""
    code = code_of(quantity)
    return Column(quantity, Type.NUMBER, code.en, code.ucum, code.loinc)


WHO: Final = Column("resident", Type.TEXT, "the resident's id in the registry; no name")
NAMES: Final = (
    Column("name", Type.TEXT, "the resident's name"),
    Column("phone", Type.TEXT, "the resident's telephone"),
)
LOCAL: Final = (
    Column("time_local", Type.TEXT, "the same on the resident's own clock, with its offset"),
    Column("zone", Type.TEXT, "the zone of that clock, which is the team's"),
)
READ: Final = (
    Column(
        "kind",
        Type.TEXT,
        "blood_pressure, glucose, weight, temperature, oximetry or heart_rate",
    ),
    Column("time_utc", Type.MOMENT, "when it was measured"),
    Column("systolic_mmhg", Type.NUMBER, "systolic pressure", "mm[Hg]", "8480-6"),
    Column("diastolic_mmhg", Type.NUMBER, "diastolic pressure", "mm[Hg]", "8462-4"),
    Column("mean_mmhg", Type.NUMBER, "mean pressure", "mm[Hg]", "8478-0"),
    Column("pulse_bpm", Type.NUMBER, "pulse, or heart rate", "/min", "8867-4"),
    Column("systolic_kpa", Type.NUMBER, "the device's own number, where it speaks kPa", "kPa"),
    Column("diastolic_kpa", Type.NUMBER, "the device's own number, where it speaks kPa", "kPa"),
    Column("mean_kpa", Type.NUMBER, "the device's own number, where it speaks kPa", "kPa"),
    Column("glucose_mmol_l", Type.NUMBER, "glucose in blood", "mmol/L", "15074-8"),
    Column("glucose_mg_dl", Type.NUMBER, "the meter's own number, if in mg/dL", "mg/dL", "2339-0"),
    _of("weight_kg"),
    Column("weight_lb", Type.NUMBER, "the scale's own number, if in pounds", "[lb_av]", "29463-7"),
    _of("temperature_c"),
    Column("temperature_f", Type.NUMBER, "the thermometer's own, if in °F", "[degF]", "8310-5"),
    _of("spo2_pct"),
    Column("unit", Type.TEXT, "the unit that the device itself speaks"),
    Column("meal", Type.TEXT, "fasting, before_meal, after_meal, …: docs/glossary.md"),
    Column("flags", Type.CODES, "what the device said beside the value: docs/glossary.md"),
    Column("place", Type.TEXT, "home; office: at a station that many use; empty: not known"),
    Column("source", Type.TEXT, "device; imported from another app's file; manual: typed"),
    Column("device", Type.TEXT, "its Bluetooth address, or what the file calls it"),
    Column("model", Type.TEXT, "the device's model"),
    Column("user_slot", Type.INTEGER, "the user's number at the device"),
    Column("time_doubt_s", Type.NUMBER, "how far the time may be off", "s"),
    Column("received_utc", Type.MOMENT, "when it reached the server"),
)
"""In the order of the statement `readings`."""
_TIME: Final = 1
"""Place of the time in `READ`."""


@dataclass(frozen=True, slots=True)
class Resident:
    """Whose readings are written."""

    patient_id: int
    code: str
    name: str
    phone: str | None
    zone: ZoneInfo


def columns(*, with_names: bool) -> tuple[Column, ...]:
    """Return the columns of an export, in order."""
    return (WHO, *(NAMES if with_names else ()), *READ[: _TIME + 1], *LOCAL, *READ[_TIME + 1 :])


def row_of(resident: Resident, read: Sequence[Any], *, with_names: bool) -> tuple[Any, ...]:
    """Return the cells of `columns`, from what the statement `readings` gave."""
    names = (resident.name, resident.phone) if with_names else ()
    kind, at, *rest = read
    local = at.astimezone(resident.zone).isoformat(timespec="seconds")
    *rest, received_at = rest
    times = (at.astimezone(UTC), local, resident.zone.key)
    return (resident.code, *names, kind, *times, *rest, received_at.astimezone(UTC))


def described(told: Sequence[Column], written_at: datetime) -> dict[str, Any]:
    """Return what the columns mean, for a file beside the export."""
    return {
        "format": "yikao-readings/1",
        "written_at": written_at.isoformat(),
        "columns": [{k: v for k, v in asdict(column).items() if v} for column in told],
    }
