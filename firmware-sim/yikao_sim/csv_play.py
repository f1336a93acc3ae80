"""Real readings from a file, taken again by simulated people at their original intervals.

Columns: `person`, `measured_at` (or `measured_at_local`), and `systolic`, `diastolic` (or with
`_mmhg`; `pulse` if known), or `glucose_mmol_l`, or `glucose_mg_dl`. A time without an offset is
local time of the homes' zone. A file with faults is refused as a whole, each named by its line.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from yikao_sim.air.measurements import PRESSURE_MMHG, PULSE_BPM
from yikao_sim.errors import CsvError

MG_DL_PER_MMOL_L = 18.016
"""Molar mass of glucose, 180.16 g/mol, in decilitres."""
ROWS_MAX = 1_000_000
FAULTS_SHOWN = 50
"""More would be the same mistake again."""

ALIASES = {
    "measured_at_local": "measured_at",
    "systolic_mmhg": "systolic",
    "diastolic_mmhg": "diastolic",
    "pulse_bpm": "pulse",
}
GLUCOSE = ("glucose_mmol_l", "glucose_mg_dl")


@dataclass(frozen=True, slots=True)
class Taken:
    """One reading of one person; either both pressures or the glucose."""

    person: str
    at: datetime
    systolic_mmhg: int | None = None
    diastolic_mmhg: int | None = None
    pulse_bpm: int | None = None
    glucose_mmol_l: float | None = None


def read_csv(path: Path, zone: tzinfo) -> dict[str, list[Taken]]:
    """Return each person's readings in order of time, persons in order of appearance.

    Raises `CsvError` with every fault and its line number; also for an empty file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            readings, faults = _parse(csv.DictReader(file), zone)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CsvError(str(path), [f"cannot be read: {error}"]) from error
    if not readings and not faults:
        faults = ["no readings"]
    if faults:
        more = len(faults) - FAULTS_SHOWN
        raise CsvError(str(path), faults[:FAULTS_SHOWN] + [f"and {more} more"] * (more > 0))
    people: dict[str, list[Taken]] = {}
    for taken in readings:
        people.setdefault(taken.person, []).append(taken)
    return {person: sorted(own, key=lambda each: each.at) for person, own in people.items()}


def from_now(people: Mapping[str, list[Taken]], now: datetime) -> dict[str, list[Taken]]:
    """Return the same readings, each person's first one at `now`, the others as far apart."""
    return {
        person: [replace(each, at=now + (each.at - own[0].at)) for each in own]
        for person, own in people.items()
    }


def evenly(
    people: Mapping[str, list[Taken]], now: datetime, every: timedelta, until: timedelta | None
) -> dict[str, list[Taken]]:
    """Return the same readings `every` so often, from `now` on and at most `until` later.

    People take turns: the first ones of n people lie `every` / n apart.
    """
    turn = every / max(1, len(people))
    paced: dict[str, list[Taken]] = {}
    for number, (person, own) in enumerate(people.items()):
        offsets = (number * turn + count * every for count in range(len(own)))
        paced[person] = [
            replace(each, at=now + offset)
            for each, offset in zip(own, offsets, strict=True)
            if until is None or offset <= until
        ]
    return paced


def in_order(people: Iterable[list[Taken]]) -> list[Taken]:
    """Return everybody's readings in the order in which they are taken."""
    return sorted((each for own in people for each in own), key=lambda each: each.at)


def _parse(reader: "csv.DictReader[str]", zone: tzinfo) -> tuple[list[Taken], list[str]]:
    names = [ALIASES.get(name.strip(), name.strip()) for name in reader.fieldnames or ()]
    fault = _header_fault(names)
    if fault:
        return [], [f"line 1: {fault}"]
    reader.fieldnames = names
    readings: list[Taken] = []
    faults: list[str] = []
    for row in _bounded(reader, faults):
        try:
            readings.append(_taken(row, zone))
        except ValueError as error:
            faults.append(f"line {reader.line_num}: {error}")
    return readings, faults


def _bounded(reader: "csv.DictReader[str]", faults: list[str]) -> Iterator[dict[str, str | None]]:
    for number, row in enumerate(reader, 1):
        if number > ROWS_MAX:
            faults.append(f"line {reader.line_num}: more than {ROWS_MAX} readings")
            return
        yield row


def _header_fault(names: list[str]) -> str | None:
    missing = [name for name in ("person", "measured_at") if name not in names]
    if missing:
        return f"no column {' and '.join(missing)}"
    if not ({"systolic", "diastolic"} <= set(names) or set(GLUCOSE) & set(names)):
        return "no columns systolic and diastolic, nor glucose_mmol_l or glucose_mg_dl"
    return None


def _taken(row: Mapping[str, str | None], zone: tzinfo) -> Taken:
    """Return the reading in `row`; raises `ValueError` that says what is wrong with it."""
    cells = {name: (row.get(name) or "").strip() for name in (*_COLUMNS, *GLUCOSE)}
    if not cells["person"]:
        raise ValueError("no person")
    at = _time(cells["measured_at"], zone)
    if cells["systolic"] or cells["diastolic"]:
        return Taken(
            cells["person"],
            at,
            systolic_mmhg=_whole("systolic", cells["systolic"], PRESSURE_MMHG),
            diastolic_mmhg=_whole("diastolic", cells["diastolic"], PRESSURE_MMHG),
            pulse_bpm=_whole("pulse", cells["pulse"], PULSE_BPM) if cells["pulse"] else None,
        )
    return Taken(cells["person"], at, glucose_mmol_l=_glucose(cells))


_COLUMNS = ("person", "measured_at", "systolic", "diastolic", "pulse")


def _time(text: str, zone: tzinfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"time {text!r} is not like 2026-03-02 21:50:00") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def _whole(name: str, text: str, bounds: tuple[int, int]) -> int:
    low, high = bounds
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"{name} {text!r} is no whole number from {low} to {high}")
    return int(text)


def _glucose(cells: Mapping[str, str]) -> float:
    unit = next((name for name in GLUCOSE if cells[name]), None)
    if unit is None:
        raise ValueError("no value")
    try:
        value = float(cells[unit])
    except ValueError:
        raise ValueError(f"{unit} {cells[unit]!r} is no number") from None
    mmol_l = value if unit == "glucose_mmol_l" else value / MG_DL_PER_MMOL_L
    if not 0 < mmol_l <= 100:
        raise ValueError(f"{unit} {cells[unit]!r} is nothing that blood can have")
    return mmol_l
