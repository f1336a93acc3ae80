"""A block of CSV lines as records: ordinary rows a column at a time, odd ones by `RowReader`.

A row is ordinary when it has no quote, as many cells as the header, and every cell is of the usual
form. What an ordinary row means is what `RowReader` says of it: a test holds the two together.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yikao_alerts.backtest.digits import (
    PADDING,
    Bytes,
    Cells,
    Floats,
    Ints,
    Mask,
    Words,
    changes,
    codes,
    numbers,
)
from yikao_alerts.backtest.rows import NAME_MAX, RefusedCellError, codes_of
from yikao_alerts.backtest.sheet import Block, Names, Sheet
from yikao_alerts.backtest.stamps import moments
from yikao_alerts.backtest.vocabulary import (
    CONTEXT_NAMES,
    FLAG_NAMES,
    KINDS,
    KPA_DOUBT,
    ROW,
    SLOTS,
    SYMPTOM,
    SYMPTOM_NAMES,
    UNIT_NAMES,
    VALUE_COLUMNS,
    Rows,
)
from yikao_alerts.contexts import GLUCOSE_CONTEXTS, PRESSURE_CONTEXTS
from yikao_alerts.history import (
    BLOOD_PRESSURE,
    CGM,
    FIELDS,
    GLUCOSE,
    KETONE,
    SOURCES,
    UNITS,
)

PIECE_BYTES: Final = 1024 * 1024
"""Worked on at a time: about 10,000 rows, whose columns stay near the processor."""
_COMMA: Final = ord(",")
_NEWLINE: Final = ord("\n")
_RETURN: Final = ord("\r")
_QUOTE: Final = ord('"')
_Columns = dict[str, NDArray[Any]]
"""What goes into the fields of `ROW`, each `(n,)`."""


def read_block(data: bytes, columns: tuple[str, ...], zone: tzinfo) -> Block:
    """Return what the lines in `data` say; columns: the header's, each one of `COLUMNS`."""
    whole = data + b"\n" * (not data.endswith(b"\n")) + b"\0" * PADDING
    sheet, made, lines = Sheet(columns, zone), [], 0
    for start, end in _pieces(whole):
        piece = np.frombuffer(whole, np.uint8, end - start + PADDING, start)
        rows, read = _piece(piece, sheet, lines)
        made.append(rows)
        lines += read
    return sheet.block(np.concatenate(made), lines)


def _pieces(whole: bytes) -> Iterator[tuple[int, int]]:
    """Yield where pieces of whole lines begin and end."""
    start, behind = 0, len(whole) - PADDING
    while start < behind:
        end = whole.find(b"\n", min(start + PIECE_BYTES, behind) - 1) + 1
        yield start, end
        start = end


def _piece(block: Bytes, sheet: Sheet, lines_before: int) -> tuple[Rows, int]:
    """Return the records of a block, `PADDING` bytes behind which are not its own, and how many
    lines it has."""
    starts, ends, regular, edges = _edges(block[:-PADDING], len(sheet.columns))
    begins = starts[regular]
    cells = {}
    for number, column in enumerate(sheet.columns):
        cells[column] = Cells(block, begins, edges[:, number] - begins)
        begins = edges[:, number] + 1
    rows, sure = _ordinary(cells, sheet, regular.size)
    if regular.size == starts.size and sure.all():
        return rows, starts.size
    kept = np.zeros(starts.size, ROW)
    kept[regular[sure]] = rows[sure]
    filled = np.zeros(starts.size, bool)
    filled[regular[sure]] = True
    for line in np.flatnonzero(~filled & (ends > starts)).tolist():
        if sheet.full:
            break
        text = block[starts[line] : ends[line]].tobytes()
        record = sheet.csv_line(text, lines_before + line + 1)
        if record is not None:
            kept[line], filled[line] = record, True
    return kept[filled], starts.size


def _edges(block: Bytes, columns: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return where lines start and end, without their line ends; which of them have as many cells
    as there are columns and no quote; and where the cells of these end, `(lines, columns)`."""
    edges = np.flatnonzero((block == _COMMA) | (block == _NEWLINE))
    last = np.flatnonzero(block[edges] == _NEWLINE)
    ends = edges[last]
    starts = np.concatenate(([0], ends[:-1] + 1))
    ends -= (ends > starts) & (block[ends - 1] == _RETURN)
    regular = np.diff(last, prepend=-1) == columns
    quotes = np.flatnonzero(block == _QUOTE)
    regular[np.searchsorted(starts, quotes, "right") - 1] = False
    which = np.flatnonzero(regular)
    if which.size == last.size:
        own = edges.reshape(-1, columns)
    else:
        own = edges[last[which][:, np.newaxis] + np.arange(1 - columns, 1)]
    own[:, -1] = ends[which]
    return starts, ends, which, own


def _ordinary(cells: Mapping[str, Cells], sheet: Sheet, count: int) -> tuple[Rows, Mask]:
    """Return the records of the regular rows, and which of them are ordinary."""
    made: _Columns = {}
    made["kind"], sure = codes(cells["kind"], KINDS)
    made["at"], known = moments(cells["measured_at"], sheet.zone)
    sure &= known & (cells["resident"].widths > 0)
    made["received"] = made["at"].copy()
    for field in ("resident", "device", "flags", "symptoms", "source", "context", "unit"):
        made[field] = np.zeros(count, ROW[field])

    def fill(column: str, field: str, read: Callable[[Cells], tuple[NDArray[Any], Mask]]) -> None:
        if column not in cells:
            return
        which, given = cells[column].where(cells[column].widths > 0)
        if which.size:
            made[field][which], known = read(given)
            sure[which] &= known

    fill("received_at", "received", lambda given: moments(given, sheet.zone))
    fill("resident", "resident", lambda given: _named(given, sheet.residents))
    fill("device", "device", lambda given: _named(given, sheet.devices))
    fill("flags", "flags", lambda given: _coded(given, "flags", FLAG_NAMES))
    fill("symptoms", "symptoms", lambda given: _coded(given, "symptoms", SYMPTOM_NAMES))
    fill("source", "source", lambda given: codes(given, SOURCES))
    fill("context", "context", lambda given: codes(given, CONTEXT_NAMES))
    fill("unit", "unit", lambda given: codes(given, UNIT_NAMES))
    sure &= _values(cells, made)
    sure &= _fitting(made)
    rows = np.empty(count, ROW)
    for name, column in made.items():
        rows[name] = column
    return rows, sure


def _named(cells: Cells, names: Names) -> tuple[Ints, Mask]:
    """Return the numbers of the names, and where there is one of ordinary length."""
    firsts = changes(cells)
    found = np.zeros(firsts.size, np.int64)
    sure = np.ones(firsts.size, bool)
    for place, index in enumerate(firsts.tolist()):
        try:
            name = cells.text(index).decode()
        except UnicodeDecodeError:
            name = ""
        # Names in two spellings would be two residents: blanks are the other reader's to take off.
        sure[place] = name == name.strip() and 0 < len(name) <= NAME_MAX
        found[place] = names.number(name) if sure[place] else 0
    lengths = np.diff(firsts, append=cells.widths.size)
    return np.repeat(found, lengths), np.repeat(sure, lengths)


def _coded(cells: Cells, column: str, known: tuple[str, ...]) -> tuple[Words, Mask]:
    """Return the bits of the codes in the cells, and where they are known."""
    texts = [cells.text(index) for index in range(cells.widths.size)]
    bits = {text: _bits(text, column, known) for text in set(texts)}
    found = [bits[text] for text in texts]
    return np.array([each or 0 for each in found], np.uint64), np.array(
        [each is not None for each in found], bool
    )


def _bits(text: bytes, column: str, known: tuple[str, ...]) -> int | None:
    try:
        return codes_of(text.decode(), column, known)
    except (RefusedCellError, UnicodeDecodeError):
        return None


def _values(cells: Mapping[str, Cells], made: _Columns) -> Mask:
    """Put each value in its slot, and return where a row has those it needs and no others."""
    kinds = made["kind"]
    sure = np.ones(kinds.size, bool)
    for slot in SLOTS:
        made[slot] = np.full(kinds.size, np.nan)
    for name, column in VALUE_COLUMNS.items():
        if column not in cells:
            continue
        which, given = cells[column].where(cells[column].widths > 0)
        if which.size:
            values, known = numbers(given)
            sure[which] &= known & _placed(name, which, values, made)
    # A meter's HI without a number is rare: the other reader knows what may lack one.
    lacking = np.isnan(made["a"]) | (np.isnan(made["b"]) & (kinds == KINDS.index(BLOOD_PRESSURE)))
    enough: Mask = np.where(kinds == KINDS.index(SYMPTOM), made["symptoms"] != 0, ~lacking)
    return sure & enough


def _placed(name: str, which: Ints, values: Floats, made: _Columns) -> Mask:
    """Put the values of one field into the slot of each kind that has it; True where none is left
    over."""
    kinds = made["kind"][which]
    placed = np.zeros(which.size, bool)
    for number, kind in enumerate(KINDS):
        if name in FIELDS.get(kind, ()):
            here = kinds == number
            made[SLOTS[FIELDS[kind].index(name)]][which[here]] = values[here]
            placed |= here
    return placed


_UNIT_FITS: Final = np.array(
    [[not unit or unit in UNITS.get(kind, ()) for unit in UNIT_NAMES] for kind in KINDS]
)
_FIRST_UNITS: Final = np.array(
    [UNIT_NAMES.index(UNITS[kind][0]) if kind in UNITS else 0 for kind in KINDS]
)
_CONTEXT_FITS: Final = np.array(
    [
        [
            not context
            or context
            in (GLUCOSE_CONTEXTS if kind in (GLUCOSE, KETONE, CGM) else PRESSURE_CONTEXTS)
            for context in CONTEXT_NAMES
        ]
        for kind in KINDS
    ]
)


def _fitting(made: _Columns) -> Mask:
    """Return where unit and context fit the kind; fill in the unit where a kind's own is meant."""
    kind, unit = made["kind"], made["unit"]
    sure: Mask = _UNIT_FITS[kind, unit]
    if made["context"].any():
        sure &= _CONTEXT_FITS[kind, made["context"]]
    low, high = KPA_DOUBT
    doubted = (kind == KINDS.index(BLOOD_PRESSURE)) & (made["a"] >= low) & (made["a"] <= high)
    made["unit"] = np.where((unit == 0) & ~doubted, _FIRST_UNITS[kind], unit)
    return sure
