"""How values, times and people are written: in the device's own unit and the team's time zone.

A converted number is never shown as if it had been measured: a cuff that speaks kPa is shown in
kPa, with mmHg beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from yikao_alerts.feed.words import Words

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LETTERS_KEPT: Final = 1
ADDRESS_KEPT: Final = 4


class Measured(Protocol):
    """A row with the values of one reading."""

    @property
    def systolic_mmhg(self) -> float | None: ...
    @property
    def diastolic_mmhg(self) -> float | None: ...
    @property
    def systolic_kpa(self) -> float | None: ...
    @property
    def diastolic_kpa(self) -> float | None: ...
    @property
    def pulse_bpm(self) -> float | None: ...
    @property
    def glucose_mmol_l(self) -> float | None: ...
    @property
    def glucose_mg_dl(self) -> float | None: ...


class Vital(Protocol):
    """A row with the values of a reading of the other kinds."""

    @property
    def weight_kg(self) -> float | None: ...
    @property
    def weight_lb(self) -> float | None: ...
    @property
    def temperature_c(self) -> float | None: ...
    @property
    def temperature_f(self) -> float | None: ...
    @property
    def spo2_pct(self) -> float | None: ...
    @property
    def pulse_bpm(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Value:
    """A reading as written: the number, its unit, the same in the other unit, and the pulse."""

    number: str
    unit: str
    beside: str = ""
    pulse: str = ""


def value_of(row: Measured, unit: str, flags: Sequence[str]) -> Value:
    """Return how a reading is written; `HI` or `LO` where the meter gave no number."""
    if row.systolic_mmhg is not None and row.diastolic_mmhg is not None:
        return _pressure(row, unit)
    if row.glucose_mmol_l is None:
        words = [flag.upper() for flag in flags if flag in ("hi", "lo")]
        return Value(words[0] if words else "—", unit if words else "")
    if unit == "mg/dL" and row.glucose_mg_dl is not None:
        return Value(f"{row.glucose_mg_dl:.0f}", unit, f"{row.glucose_mmol_l:.1f} mmol/L")
    return Value(f"{row.glucose_mmol_l:.1f}", "mmol/L")


def vital_of(row: Vital, unit: str) -> Value:
    """Return how a weight, a temperature, an oximetry or a heart rate is written."""
    pulse = "" if row.pulse_bpm is None else f"{row.pulse_bpm:.0f}"
    if row.weight_kg is not None:
        kg = Value(f"{row.weight_kg:.1f}", "kg")
        return kg if row.weight_lb is None or unit != "lb" else _beside(row.weight_lb, "lb", kg)
    if row.temperature_c is not None:
        celsius = Value(f"{row.temperature_c:.1f}", "℃")
        own = row.temperature_f if unit == "[degF]" else None
        return celsius if own is None else _beside(own, "℉", celsius)
    if row.spo2_pct is not None:
        return Value(f"{row.spo2_pct:.0f}", "%", "", pulse)
    return Value(pulse, "/min") if pulse else Value("—", "")


def _beside(own: float, unit: str, other: Value) -> Value:
    return Value(f"{own:.1f}", unit, f"{other.number} {other.unit}")


def _pressure(row: Measured, unit: str) -> Value:
    pulse = "" if row.pulse_bpm is None else f"{row.pulse_bpm:.0f}"
    mmhg = f"{row.systolic_mmhg:.0f}/{row.diastolic_mmhg:.0f}"
    if unit == "kPa" and row.systolic_kpa is not None and row.diastolic_kpa is not None:
        kpa = f"{row.systolic_kpa:.1f}/{row.diastolic_kpa:.1f}"
        return Value(kpa, unit, f"{mmhg} mmHg", pulse)
    return Value(mmhg, "mmHg", "", pulse)


def values_text(values: Mapping[str, float], unit: str) -> Value:
    """Return how the evidence of a finding is written; `values` are in `unit`, pulse in bpm."""
    pulse = f"{values['pulse']:.0f}" if "pulse" in values else ""
    if "systolic" in values and "diastolic" in values:
        numbers = (number(values[field]) for field in ("systolic", "diastolic"))
        return Value("/".join(numbers), unit, "", pulse)
    if "glucose" in values:
        return Value(number(values["glucose"]), unit, "", pulse)
    return Value("—", "", "", pulse)


def number(value: float) -> str:
    """Return a number with at most one decimal, and none where it is whole."""
    return f"{round(value, 1):g}"


def date_in(at: datetime, zone: str) -> date:
    """Return the day of a time in `zone`."""
    return at.astimezone(ZoneInfo(zone)).date()


def clock(at: datetime, zone: str) -> str:
    """Return the time of day, `22:04`."""
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def clock_text(at: str, zone: str) -> str:
    """Return the time of day of a time that was stored as text."""
    return clock(datetime.fromisoformat(at), zone)


def moment(words: Words, at: datetime, zone: str) -> str:
    """Return day, weekday and time, `11月21日 周五 22:04`."""
    local = at.astimezone(ZoneInfo(zone))
    return words(
        "time.moment",
        day=local.day,
        month=words(f"month.{local.month}"),
        weekday=words(f"weekday.{WEEKDAYS[local.weekday()]}"),
        time=local.strftime("%H:%M"),
    )


def day(words: Words, at: datetime, zone: str) -> str:
    """Return day and weekday of a time, `11月21日 周五`."""
    return date_text(words, date_in(at, zone))


def date_text(words: Words, on: date) -> str:
    """Return a day without a time, `11月21日 周五`."""
    return words(
        "time.day",
        day=on.day,
        month=words(f"month.{on.month}"),
        weekday=words(f"weekday.{WEEKDAYS[on.weekday()]}"),
    )


def person(words: Words, birth_year: int | None, sex: str | None, now: datetime) -> str:
    """Return age and sex as far as they are known; the age from the year of birth alone."""
    known = []
    if birth_year is not None:
        known.append(words("person.age", years=now.year - birth_year))
    if sex is not None:
        known.append(words.of("person", sex))
    return " · ".join(known)


def masked_name(name: str) -> str:
    """Return the first letter of a name, the rest covered: 王** ."""
    return name[:LETTERS_KEPT] + "**"


def masked_address(address: str) -> str:
    """Return the end of a phone number or name, the rest covered."""
    return "…" + address[-ADDRESS_KEPT:] if len(address) > ADDRESS_KEPT else address
