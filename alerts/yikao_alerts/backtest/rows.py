"""One row of a file of readings, understood word for word or refused with what to write instead.

This is the law of the format; `block.py` reads ordinary rows faster and gives whatever it does not
recognise to this.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final, TypeVar

from yikao_alerts.backtest.instants import micros_of
from yikao_alerts.backtest.vocabulary import (
    COLUMNS,
    CONTEXT_NAMES,
    FLAG_NAMES,
    KINDS,
    SYMPTOM,
    SYMPTOM_NAMES,
    UNIT_NAMES,
    VALUE_COLUMNS,
    default_unit,
    may_lack_value,
    names_of,
)
from yikao_alerts.contexts import GLUCOSE_CONTEXTS, PRESSURE_CONTEXTS
from yikao_alerts.history import (
    BLOOD_PRESSURE,
    CGM,
    DEVICE,
    FIELDS,
    GLUCOSE,
    KETONE,
    SOURCES,
    UNITS,
)

NAME_MAX: Final = 64
"""Characters in the name of a resident or a device."""
NUMBER: Final = re.compile(r"\d{1,7}(?:\.\d{1,7})?", re.ASCII)
YEARS: Final = range(1970, 2200)
NAN: Final = math.nan
_T = TypeVar("_T")
_NEEDED_VALUES: Final = {BLOOD_PRESSURE: ("systolic", "diastolic")}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", re.ASCII)
_TIME_FIX: Final = "Write it as 2026-03-01T07:30:00+08:00; without an offset it is in --zone"


class RefusedCellError(ValueError):
    """A cell that is not understood: what is wrong, and what to write instead."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(f"{what}. {fix}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is kept: names, and what stands in a record of `ROW` after them."""

    resident: str
    device: str
    record: tuple[int, int, float, float, float, int, int, int, int, int, int]


def name_of(text: str, column: str) -> str:
    """Return the name of a resident, or of a device, which may be empty."""
    if len(text) > NAME_MAX or (column == "resident" and not text):
        raise RefusedCellError(f"{column} is empty or too long", f"Give 1 to {NAME_MAX} characters")
    return text


def number_of(text: str, column: str) -> float:
    """Return the number in a cell, NaN for an empty one."""
    if not text:
        return NAN
    if not NUMBER.fullmatch(text):
        raise RefusedCellError(f"{column} {text!r} is no number", "Write it as 128 or 5.6")
    return float(text)


def moment_of(text: str, column: str, zone: tzinfo) -> int:
    """Return the microseconds since 1970 of an ISO 8601 time, in `zone` where it names none."""
    try:
        at = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        at = None
    if at is None or at.year not in YEARS:
        raise RefusedCellError(f"{column} {text!r} is no time", _TIME_FIX)
    aware = at if at.tzinfo else at.replace(tzinfo=zone)
    return micros_of(aware)


def codes_of(text: str, column: str, names: tuple[str, ...]) -> int:
    """Return the bits of the codes in a cell, which `;` separates."""
    bits = 0
    for code in filter(None, (part.strip() for part in text.split(";"))):
        bits |= 1 << one_of(code, column, names)
    return bits


def one_of(code: str, column: str, names: tuple[str, ...]) -> int:
    """Return the number of a code in its list."""
    if code not in names:
        raise RefusedCellError(f"{column} {code!r} is unknown", f"There are {', '.join(names)}")
    return names.index(code)


@dataclass(slots=True)
class RowReader:
    """Reads rows; `refused` holds what was wrong with the last one, as (what, fix)."""

    zone: tzinfo
    refused: list[RefusedCellError] = field(default_factory=list)

    def read(self, cells: Mapping[str, str]) -> Row | None:
        """Return the row in `cells`, by column; None where anything in it is refused."""
        self.refused = []
        get = {column: cells.get(column, "").strip() for column in COLUMNS}.__getitem__
        names = [
            self._try(name_of, get(column), column, otherwise="")
            for column in ("resident", "device")
        ]
        kind = self._try(one_of, get("kind"), "kind", KINDS, otherwise=0)
        at = self._try(moment_of, get("measured_at"), "measured_at", self.zone, otherwise=0)
        arrival = get("received_at")
        received = (
            self._try(moment_of, arrival, "received_at", self.zone, otherwise=0) if arrival else at
        )
        flags = self._try(codes_of, get("flags"), "flags", FLAG_NAMES, otherwise=0)
        symptoms = self._try(codes_of, get("symptoms"), "symptoms", SYMPTOM_NAMES, otherwise=0)
        source = self._try(one_of, get("source") or DEVICE, "source", SOURCES, otherwise=0)
        numbers = {
            name: self._try(number_of, get(column), column, otherwise=NAN)
            for name, column in VALUE_COLUMNS.items()
        }
        if self.refused:
            return None
        self._fitting(KINDS[kind], numbers, flags, symptoms)
        unit = self._unit(KINDS[kind], get("unit"), numbers["systolic"])
        context = self._context(KINDS[kind], get("context"))
        if self.refused:
            return None
        values = [numbers[name] for name in FIELDS.get(KINDS[kind], ())] + [NAN] * 3
        record = (at, received, *values[:3], flags, symptoms, kind, unit, context, source)
        return Row(names[0], names[1], record)  # type: ignore[arg-type]  # three values, by [:3]

    def _refuse(self, what: str, fix: str) -> None:
        self.refused.append(RefusedCellError(what, fix))

    def _try(self, read: Callable[..., _T], *arguments: Any, otherwise: _T) -> _T:
        try:
            return read(*arguments)
        except RefusedCellError as error:
            self.refused.append(error)
            return otherwise

    def _fitting(self, kind: str, numbers: dict[str, float], flags: int, symptoms: int) -> None:
        """Refuse a row without its own values, or with those of another kind."""
        own = FIELDS.get(kind, ())
        given = {name for name, value in numbers.items() if not math.isnan(value)}
        for name in sorted(given - set(own)):
            column = VALUE_COLUMNS[name]
            self._refuse(f"a {kind} row has {column}", "Leave it empty, or give another kind")
        if kind == SYMPTOM:
            if not symptoms:
                self._refuse("a symptom row has no symptoms", "Give codes, separated by ;")
            return
        needed = () if may_lack_value(kind, names_of(flags, FLAG_NAMES)) else own[:1]
        for name in _NEEDED_VALUES.get(kind, needed):
            if name not in given:
                self._refuse(f"a {kind} row has no {VALUE_COLUMNS[name]}", "Give a number")

    def _unit(self, kind: str, unit: str, systolic: float) -> int:
        if kind == SYMPTOM:
            return 0
        if unit and unit not in UNITS[kind]:
            fix = f"A {kind} is in {' or '.join(UNITS[kind])}"
            self._refuse(f"unit {unit!r} is unknown", fix)
            return 0
        return UNIT_NAMES.index(unit or default_unit(kind, systolic))

    def _context(self, kind: str, context: str) -> int:
        known = GLUCOSE_CONTEXTS if kind in (GLUCOSE, KETONE, CGM) else PRESSURE_CONTEXTS
        if context and context not in known:
            fix = f"A {kind} has {', '.join(known)}"
            self._refuse(f"context {context!r} is unknown", fix)
            return 0
        return CONTEXT_NAMES.index(context)
