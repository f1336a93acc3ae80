"""A CSV file as lines of cells by column, whoever wrote it: RFC 4180, in UTF-8, UTF-16 or GB 18030.

Pure: bytes in, lines out. The header is looked for, as some apps write a title above it.
"""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yikao_devices.toml_lines import Fault, FaultyFileError
from yikao_ingest.imported.mapping import Layout, Names

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
"""About 300,000 lines: ten readings a day for eighty years. A larger file is something else."""
HEADER_WITHIN: Final = 20
"""Lines in which the header is looked for."""
SHOWN_COLUMNS_CHARS: Final = 200
CLOSE_QUOTES: Final = "Close the quotes, and save it as CSV in UTF-8"
WRITE_MAPPING: Final = "Write a mapping as docs/open-data.md shows, and name it with --mapping"


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of a line, in the order of the header; lines count from 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The lines under a header that a layout knows, and where each of its columns stands.

    places: for a column the places of its cells, with the unit each is in.
    """

    layout: Layout
    places: Mapping[str, tuple[tuple[str, int], ...]]
    width: int
    lines: tuple[Line, ...]
    broken: Fault | None
    """Where it stopped being CSV; the lines before that are there."""

    def cell(self, line: Line, column: str) -> str:
        """Return a cell, empty where the file has none for that column."""
        return next((line.cells[place] for _, place in self.places.get(column, ())), "")


def read_table(data: bytes, layouts: Sequence[Layout], path: str) -> Table:
    """Return what is in a file, by the first layout whose header it has.

    Refuses with `FaultyFileError` what is no text, too large, or has the header of none.
    """
    if len(data) > FILE_BYTES_MAX:
        raise _refused(path, f"it has more than {FILE_BYTES_MAX:,} bytes", "Divide it")
    text = decoded(data)
    if text is None:
        raise _refused(path, "the file is no text", "Save it as CSV in UTF-8")
    for layout in layouts:
        lines, broken = _lines(text, layout)
        for number, line in enumerate(lines[:HEADER_WITHIN]):
            places, width = _places(layout, line.cells), len(line.cells)
            if all(places.get(column) for column in layout.needed()):
                rest = tuple(_filled(each, width) for each in lines[number + 1 :])
                return Table(layout, places, width, rest, broken)
    raise _refused(path, _no_header(text, layouts), WRITE_MAPPING)


def _filled(line: Line, width: int) -> Line:
    """Return a line with the empty cells that some apps leave out at its end."""
    missing = ("",) * (width - len(line.cells))
    return Line(line.number, line.cells + missing)


def decoded(data: bytes) -> str | None:
    """Return the text of a file; None where it is in none of the encodings."""
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encodings = ("utf-16",) if data.startswith(marks) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _lines(text: str, layout: Layout) -> tuple[list[Line], Fault | None]:
    """Return the lines that have anything in them, up to where the file stops being CSV."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, strict=True)
    lines = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append(Line(reader.line_num, tuple(cell.strip() for cell in cells)))
    except csv.Error as error:
        what = f"from here on the file is no CSV: {error}"
        return lines, Fault(reader.line_num, what, CLOSE_QUOTES)
    return lines, None


def _places(layout: Layout, header: Sequence[str]) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return where the layout's columns stand in a header."""
    known = {_plain(cell): place for place, cell in reversed(list(enumerate(header)))}
    return {column: tuple(_found(names, known)) for column, names in layout.columns.items()}


def _found(names: Names, known: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for unit, each in names.items():
        place = next((known[name] for name in map(_plain, each) if name in known), None)
        if place is not None:
            yield unit, place


def _plain(heading: str) -> str:
    """Return a heading without what programs write differently: case, blanks, width of brackets."""
    return "".join(unicodedata.normalize("NFKC", heading).casefold().split())


def _no_header(text: str, layouts: Sequence[Layout]) -> str:
    wanted = " or ".join(f"{one.name} ({_headings(one)})" for one in layouts)
    first = next((line for line in text.splitlines() if line.strip()), "nothing")
    return f"no header of {wanted} in its first lines, which begin {first[:SHOWN_COLUMNS_CHARS]!r}"


def _headings(layout: Layout) -> str:
    needed = (layout.columns[column] for column in layout.needed())
    return ", ".join(
        " or ".join(name for each in names.values() for name in each[:1]) for names in needed
    )


def _refused(path: str, what: str, fix: str) -> FaultyFileError:
    return FaultyFileError(path, [Fault(0, what, fix)])
