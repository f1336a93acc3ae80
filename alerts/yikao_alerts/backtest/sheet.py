"""A stretch of a file while it is read: the names it has met, and what has to be mended in it.

Rows are read here one at a time, from a CSV line or from a line of JSON; `block.py` reads many at
once and comes here with the odd ones.
"""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

import numpy as np

from yikao_alerts.backtest.rows import RefusedCellError, RowReader
from yikao_alerts.backtest.vocabulary import ROW, Rows
from yikao_devices.toml_lines import Fault

FAULTS_MAX: Final = 50
"""Faults that are told at a time; a file of another kind would have one for each line."""

Record = tuple[int | float, ...]
"""What stands in a record of `ROW`."""
_ReadCells = Callable[[bytes, tuple[str, ...]], dict[str, str]]


@dataclass(slots=True)
class Names:
    """Names and their numbers, in the order in which they came."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return the number of a name, a new one where it is new."""
        return self.numbers.setdefault(name, len(self.numbers))


@dataclass(frozen=True, slots=True)
class Block:
    """What a stretch of lines says: records, the names they count on, its lines, its faults.

    Lines of faults count from 1 in the stretch.
    """

    rows: Rows
    residents: list[str]
    devices: list[str]
    lines: int
    faults: list[Fault]


@dataclass(slots=True)
class Sheet:
    """A stretch of lines while it is read."""

    columns: tuple[str, ...]
    zone: tzinfo
    residents: Names = field(default_factory=Names)
    devices: Names = field(default_factory=lambda: Names({"": 0}))
    """Number 0 is of rows that name no device."""
    faults: list[Fault] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether so many faults are noted that no more are looked for."""
        return len(self.faults) > FAULTS_MAX

    def csv_line(self, line: bytes, number: int) -> Record | None:
        """Return the record of a CSV line, None after noting its faults."""
        return self._record(_csv_cells, line, number)

    def json_line(self, line: bytes, number: int) -> Record | None:
        """Return the record of an object in a line, None after noting its faults."""
        return self._record(_json_cells, line, number)

    def _record(self, read: _ReadCells, line: bytes, number: int) -> Record | None:
        reader = RowReader(self.zone)
        try:
            row = reader.read(read(line, self.columns))
        except RefusedCellError as error:
            row, reader.refused = None, [error]
        if row is None:
            self.faults += [Fault(number, error.what, error.fix) for error in reader.refused]
            return None
        return self.residents.number(row.resident), self.devices.number(row.device), *row.record

    def block(self, rows: Rows, lines: int) -> Block:
        """Return what was read."""
        residents, devices = list(self.residents.numbers), list(self.devices.numbers)
        return Block(rows, residents, devices, lines, self.faults)


def _csv_cells(line: bytes, columns: tuple[str, ...]) -> dict[str, str]:
    """Return the cells of a CSV line, refused where they are not one for each column."""
    try:
        cells = next(csv.reader([line.decode()], strict=True))
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        fix = "Save the file as CSV in UTF-8, each row in one line"
        raise RefusedCellError("the line is not CSV in UTF-8", fix) from error
    if len(cells) != len(columns):
        what = f"the line has {len(cells)} cells, the header {len(columns)}"
        raise RefusedCellError(what, "Give each row one cell for each column")
    return dict(zip(columns, cells, strict=True))


def _json_cells(line: bytes, columns: tuple[str, ...]) -> dict[str, str]:
    """Return the cells of an object in a line, refused where it has others than `columns`."""
    try:
        item = json.loads(line)
    except ValueError:
        item = None
    if not isinstance(item, dict):
        fix = 'Write one object in each line: {"resident": "r1", …}'
        raise RefusedCellError("the line is no JSON object", fix)
    if unknown := sorted(item.keys() - set(columns)):
        what = f"unknown key {', '.join(map(repr, unknown))}"
        raise RefusedCellError(what, f"There are {', '.join(columns)}")
    return {key: _cell(key, value) for key, value in item.items()}


def _cell(key: str, value: object) -> str:
    """Return a JSON value as it would stand in a CSV cell."""
    match value:
        case None:
            return ""
        case str():
            return value
        case float():
            return f"{value:.7f}".rstrip("0").rstrip(".")
        case int() if not isinstance(value, bool):
            return str(value)
        case list() if all(isinstance(part, str) for part in value):
            return ";".join(value)
    fix = "Write it as in a CSV cell; codes may be a list"
    raise RefusedCellError(f"{key} is neither text nor number", fix)


def read_json_block(data: bytes, columns: tuple[str, ...], zone: tzinfo) -> Block:
    """Return what the lines of JSON in `data` say."""
    sheet = Sheet(columns, zone)
    lines = data.split(b"\n")[: data.count(b"\n") + (not data.endswith(b"\n"))]
    records = [
        sheet.json_line(line, number)
        for number, line in enumerate(lines, 1)
        if line.strip() and not sheet.full
    ]
    rows = np.array([record for record in records if record is not None], ROW)
    return sheet.block(rows, len(lines))
