"""Who the readings of a file belong to: a second file with one row for each resident.

Groups, targets and options are columns of the names that rules use (`resident.py`); a resident
without a row is one of whom nothing is known.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from yikao_alerts.backtest.rows import RefusedCellError, name_of
from yikao_alerts.backtest.sheet import FAULTS_MAX
from yikao_alerts.resident import GROUPS, OPTIONS, TARGETS, Resident
from yikao_devices.toml_lines import Fault, FaultyFileError

PEOPLE_COLUMNS: Final = ("resident", "birth_year", "sex", *GROUPS, *TARGETS, *OPTIONS)
SEXES: Final = ("f", "m")
_TRUTHS: Final = {"": False, "0": False, "false": False, "1": True, "true": True}
YEARS: Final = (1880, 2100)
TARGET_MAX: Final = 400.0
"""No pressure, glucose, pulse, saturation or weight in its unit lies above."""


def read_people(path: Path) -> dict[str, Resident]:
    """Return the residents by name; refuses the file with `FaultyFileError`, all faults at once."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            return _people(path, [(lines.line_num, cells) for cells in lines])
    except (UnicodeDecodeError, csv.Error) as error:
        fault = Fault(0, "the file is not CSV in UTF-8", "Save it in that encoding")
        raise FaultyFileError(str(path), [fault]) from error


def _people(path: Path, lines: list[tuple[int, list[str]]]) -> dict[str, Resident]:
    header = [name.strip() for name in lines[0][1]] if lines else []
    faults = _header_faults(header)
    people: dict[str, Resident] = {}
    for number, cells in lines[1:] if not faults else []:
        if not cells:
            continue
        try:
            name, resident = _person(header, cells)
            if name in people:
                raise RefusedCellError(f"resident {name!r} stands there twice", "Take one out")
            people[name] = resident
        except RefusedCellError as error:
            faults.append(Fault(number, error.what, error.fix))
    if faults:
        raise FaultyFileError(str(path), faults[:FAULTS_MAX])
    return people


def _header_faults(header: list[str]) -> list[Fault]:
    known = f"There are {', '.join(PEOPLE_COLUMNS)}, separated by commas"
    unknown = [name for name in header if name not in PEOPLE_COLUMNS]
    faults = [Fault(1, f"unknown column {name!r}", known) for name in unknown]
    twice = [name for name in PEOPLE_COLUMNS if header.count(name) > 1]
    faults += [Fault(1, f"column {name} stands there twice", "Take one out") for name in twice]
    if "resident" not in header:
        faults.append(Fault(1, "column resident is missing", "The first line names the columns"))
    return faults


def _person(header: list[str], cells: list[str]) -> tuple[str, Resident]:
    if len(cells) != len(header):
        what = f"the row has {len(cells)} cells, the header {len(header)}"
        raise RefusedCellError(what, "Give each row one cell for each column")
    get = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    sex = get.get("sex", "")
    if sex and sex not in SEXES:
        raise RefusedCellError(f"sex {sex!r} is unknown", f"Write {' or '.join(SEXES)}, or nothing")
    return name_of(get["resident"], "resident"), Resident(
        _year(get.get("birth_year", "")),
        sex or None,
        _chosen(get, GROUPS),
        {name: _target(get[name], name) for name in TARGETS if get.get(name)},
        _chosen(get, OPTIONS),
    )


def _year(text: str) -> int | None:
    if not text:
        return None
    if not (text.isdecimal() and text.isascii() and YEARS[0] <= int(text) <= YEARS[1]):
        raise RefusedCellError(f"birth_year {text!r} is no year", "Write it as 1946")
    return int(text)


def _target(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= TARGET_MAX:
        fix = f"Write a number above 0 and up to {TARGET_MAX:g}, or nothing"
        raise RefusedCellError(f"{name} {text!r} is no target", fix)
    return value


def _chosen(get: Mapping[str, str], names: Mapping[str, object]) -> frozenset[str]:
    for name in names:
        if get.get(name, "").lower() not in _TRUTHS:
            fix = "Write 1 or true, 0 or false, or nothing"
            raise RefusedCellError(f"{name} {get[name]!r} is neither yes nor no", fix)
    return frozenset(name for name in names if _TRUTHS[get.get(name, "").lower()])
