"""A block of CSV lines as records: ordinary rows a column at a time, odd ones by `RowReader`.

A row is ordinary when it has no quote, as many cells as the header, and every cell is of the usual
form. What an ordinary row means is what `RowReader` says of it: a test holds the two together.
"""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from itertools import pairwise
from typing import Final

import numpy as np

from yikao_alerts.backtest.digits import (
    PADDING,
    Bytes,
    Cells,
    Floats,
    Ints,
    Mask,
    changes,
    codes,
    moments,
    numbers,
)
from yikao_alerts.backtest.rows import NAME_MAX, RefusedCellError, codes_of
from yikao_alerts.backtest.sheet import Block, Names, Sheet
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

_COMMA: Final = ord(",")
_NEWLINE: Final = ord("\n")
_RETURN: Final = ord("\r")
_QUOTE: Final = ord('"')


def read_block(data: bytes, columns: tuple[str, ...], zone: tzinfo) -> Block:
    """Return what the lines in `data` say; columns: the header's, each one of `COLUMNS`."""
    block = np.frombuffer(data + b"\n" * (not data.endswith(b"\n")) + b"\0" * PADDING, np.uint8)
    starts, ends = _lines(block)
    sheet = Sheet(columns, zone)
    regular, edges = _edges(block, starts, ends, len(columns))
    cells = {
        column: Cells(block, before + 1, behind - before - 1)
        for column, (before, behind) in zip(columns, pairwise(edges), strict=True)
    }
    rows, sure = _ordinary(cells, sheet, regular.size)
    if regular.size == starts.size and sure.all():
        return sheet.block(rows, starts.size)
    kept = np.zeros(starts.size, ROW)
    kept[regular[sure]] = rows[sure]
    filled = np.zeros(starts.size, bool)
    filled[regular[sure]] = True
    for line in np.flatnonzero(~filled & (ends > starts)).tolist():
        if sheet.full:
            break
        record = sheet.csv_line(block[starts[line] : ends[line]].tobytes(), line + 1)
        if record is not None:
            kept[line], filled[line] = record, True
    return sheet.block(kept[filled], starts.size)


def _lines(block: Bytes) -> tuple[Ints, Ints]:
    """Return where lines start and end, without their line ends."""
    ends = np.flatnonzero(block == _NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    return starts, ends - ((ends > starts) & (block[ends - 1] == _RETURN))


def _edges(block: Bytes, starts: Ints, ends: Ints, columns: int) -> tuple[Ints, list[Ints]]:
    """Return which lines have as many cells as there are columns and no quote, and where their
    cells have their edges: before the first, between them, behind the last."""
    commas = np.flatnonzero(block == _COMMA)
    firsts = np.searchsorted(commas, starts)
    count = np.searchsorted(commas, ends) - firsts
    regular: Mask = (count == columns - 1) & (ends > starts)
    quotes = np.flatnonzero(block == _QUOTE)
    regular[np.searchsorted(starts, quotes, "right") - 1] = False
    which = np.flatnonzero(regular)
    between = [commas[firsts[which] + number] for number in range(columns - 1)]
    return which, [starts[which] - 1, *between, ends[which]]


def _ordinary(cells: Mapping[str, Cells], sheet: Sheet, count: int) -> tuple[Rows, Mask]:
    """Return the records of the regular rows, and which of them are ordinary."""
    rows = np.zeros(count, ROW)
    rows["kind"], sure = codes(cells["kind"], KINDS)
    rows["at"], known = moments(cells["measured_at"], sheet.zone)
    sure &= known & (cells["resident"].widths > 0)
    rows["received"] = rows["at"]
    if "received_at" in cells:
        given = np.flatnonzero(cells["received_at"].widths)
        rows["received"][given], known = moments(cells["received_at"].take(given), sheet.zone)
        sure[given] &= known
    for column, names in (("resident", sheet.residents), ("device", sheet.devices)):
        if column in cells:
            sure &= _named(cells[column], rows[column], names)
    for column, known_codes in (("flags", FLAG_NAMES), ("symptoms", SYMPTOM_NAMES)):
        if column in cells:
            sure &= _coded(cells[column], rows[column], column, known_codes)
    sure &= _values(cells, rows)
    sure &= _words(cells, rows)
    return rows, sure


def _named(cells: Cells, numbers_out: Ints, names: Names) -> Mask:
    """Fill in the numbers of the names, and return where there is one of ordinary length."""
    firsts = changes(cells)
    found = np.zeros(firsts.size, np.int64)
    sure = np.ones(firsts.size, bool)
    for place, index in enumerate(firsts.tolist()):
        text = cells.text(index)
        try:
            name = text.decode()
        except UnicodeDecodeError:
            name = ""
        # Names in two spellings would be two residents: blanks are the other reader's to take off.
        sure[place] = name == name.strip() and (name != "" or not text) and len(name) <= NAME_MAX
        found[place] = names.number(name) if sure[place] else 0
    lengths = np.diff(np.append(firsts, cells.widths.size))
    numbers_out[:] = np.repeat(found, lengths)
    return np.repeat(sure, lengths)


def _coded(cells: Cells, out: Ints, column: str, known: tuple[str, ...]) -> Mask:
    """Fill in the bits of the codes of the cells that have any."""
    sure = np.ones(cells.widths.size, bool)
    seen: dict[bytes, int | None] = {b"": 0}
    for index in np.flatnonzero(cells.widths).tolist():
        text = cells.text(index)
        if text not in seen:
            seen[text] = _bits(text, column, known)
        bits = seen[text]
        out[index], sure[index] = bits or 0, bits is not None
    return sure


def _bits(text: bytes, column: str, known: tuple[str, ...]) -> int | None:
    try:
        return codes_of(text.decode(), column, known)
    except (RefusedCellError, UnicodeDecodeError):
        return None


def _values(cells: Mapping[str, Cells], rows: Rows) -> Mask:
    """Put each value in its slot, and return where a row has those it needs and no others."""
    sure = np.ones(rows.size, bool)
    for slot in SLOTS:
        rows[slot] = np.nan
    for name, column in VALUE_COLUMNS.items():
        if column not in cells:
            continue
        values, known = numbers(cells[column])
        sure &= known
        sure &= _placed(name, values, rows)
    for kind, here in _kinds(rows):
        if kind == SYMPTOM:
            sure[here] &= rows["symptoms"][here] != 0
        else:
            # A meter's HI without a number is rare: the other reader knows what may lack one.
            for slot in SLOTS[: 2 if kind == BLOOD_PRESSURE else 1]:
                sure[here] &= ~np.isnan(rows[slot][here])
    return sure


def _kinds(rows: Rows) -> Iterator[tuple[str, Ints]]:
    """Yield each kind of reading that there is, and the places of its rows."""
    for number, kind in enumerate(KINDS):
        here = np.flatnonzero(rows["kind"] == number)
        if here.size:
            yield kind, here


def _placed(name: str, values: Floats, rows: Rows) -> Mask:
    """Put the values of one field into the slot of each kind that has it; True where none is left
    over."""
    given = ~np.isnan(values)
    left = given.copy()
    for number, kind in enumerate(KINDS) if given.any() else ():
        if name in FIELDS.get(kind, ()):
            here = given & (rows["kind"] == number)
            rows[SLOTS[FIELDS[kind].index(name)]][here] = values[here]
            left &= ~here
    return ~left


def _words(cells: Mapping[str, Cells], rows: Rows) -> Mask:
    """Fill in source, context and unit, and return where each fits its kind."""
    sure = np.ones(rows.size, bool)
    for column, names in (("source", SOURCES), ("context", CONTEXT_NAMES), ("unit", UNIT_NAMES)):
        if column in cells:
            given = np.flatnonzero(cells[column].widths)
            rows[column][given], known = codes(cells[column].take(given), names)
            sure[given] &= known
    for kind, here in _kinds(rows):
        units = [UNIT_NAMES.index(unit) for unit in UNITS.get(kind, ())]
        unit, context = rows["unit"][here], rows["context"][here]
        sure[here] &= np.isin(unit, [0, *units])
        if units:
            lacking = here[unit == 0]
            rows["unit"][lacking[~_doubted(kind, rows[lacking])]] = units[0]
        known_here = GLUCOSE_CONTEXTS if kind in (GLUCOSE, KETONE, CGM) else PRESSURE_CONTEXTS
        if context.any():
            sure[here] &= np.isin(context, [CONTEXT_NAMES.index(c) for c in ("", *known_here)])
    return sure


def _doubted(kind: str, rows: Rows) -> Mask:
    low, high = KPA_DOUBT
    doubted: Mask = (rows["a"] >= low) & (rows["a"] <= high)
    return doubted & (kind == BLOOD_PRESSURE)
