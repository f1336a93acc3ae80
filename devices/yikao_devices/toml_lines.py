"""Where something stands in a TOML file, so that a fault can be told with its line.

The standard library's parser gives values without positions. This reads the same text for the
positions of table headers and keys only; what it does not find is told without a line.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Final

_ARRAY: Final = re.compile(r"""^\s*\[\[\s*([\w."' -]+?)\s*\]\]""")
_TABLE: Final = re.compile(r"""^\s*\[\s*([\w."' -]+?)\s*\]""")
_KEY: Final = re.compile(r"""^\s*["']?([\w /-]+?)["']?\s*=""")
_NO_STRUCTURE: Final = re.compile(
    r"""
    (?P<open>\"{3}|'{3}) (?: (?:\\.|[^\\])*? (?P=open) | (?P<unclosed>.*) )
    | \"(?:\\.|[^\"\\])*\" | '[^']*' | \#.*
    """,
    re.VERBOSE,
)
"""Texts and comments: brackets in them open nothing. `unclosed` begins a text of several lines."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: where (0: unknown), what is wrong, and what to write instead.

    file: its name, where what is faulty has several.
    """

    line: int
    what: str
    fix: str
    file: str = ""

    def __str__(self) -> str:
        where = [self.file] if self.file else []
        where += [f"line {self.line}"] if self.line else []
        told = f"{self.what}. {self.fix}"
        return f"{', '.join(where)}: {told}" if where else told


class FaultyFileError(ValueError):
    """A file with faults, all of them, in the order of their lines; its author must mend them."""

    def __init__(self, path: str, faults: list[Fault]) -> None:
        self.path = path
        self.faults = sorted(faults, key=lambda fault: (fault.file, fault.line))
        super().__init__("\n".join(f"{path}: {fault}" for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Lines:
    """Line numbers by table, index within an array of tables, and key ("" for the header)."""

    by_place: dict[tuple[str, int, str], int]

    def of(self, table: str, index: int = 0, key: str = "") -> int:
        """Return the line of a key or of the header that gives its value, else of its table's
        header, else 0."""
        places = ((table, index, key), (f"{table}.{key}".strip("."), index, ""), (table, index, ""))
        return next((self.by_place[place] for place in places if place in self.by_place), 0)


def parse_toml(text: str, path: str) -> tuple[dict[str, Any], Lines]:
    """Return the values of `text` and where they stand.

    Refuses text that is no TOML with `FaultyFileError`, which has the parser's own line in it.
    """
    text = text.removeprefix("\ufeff")  # Windows editors begin a file with it.
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else 0
        fix = "Write `key = value`, texts in double quotes"
        raise FaultyFileError(path, [Fault(line, f"not valid TOML: {error}", fix)]) from error
    return values, _lines(text)


def _lines(text: str) -> Lines:
    by_place: dict[tuple[str, int, str], int] = {}
    counts: dict[str, int] = {}
    table, index = "", 0
    for number, line in _beginnings(text):
        if array := _ARRAY.match(line):
            table = _plain(array[1])
            index = counts.get(table, -1) + 1
            counts[table] = index
            by_place[table, index, ""] = number
        elif header := _TABLE.match(line):
            table = _plain(header[1])
            index = counts.get(table.split(".")[0], 0)
            by_place[table, index, ""] = number
        elif key := _KEY.match(line):
            by_place.setdefault((table, index, key[1]), number)
    return Lines(by_place)


def _beginnings(text: str) -> list[tuple[int, str]]:
    """Return the lines, with their numbers, that do not go on with an earlier line's value."""
    found = []
    depth, quotes = 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        if quotes:
            _, closed, line = line.partition(quotes)
            if not closed:
                continue
            quotes = ""
        elif depth == 0:
            found.append((number, line))
        for text_or_comment in _NO_STRUCTURE.finditer(line):
            if text_or_comment["unclosed"] is not None:
                quotes = text_or_comment["open"]
        structure = _NO_STRUCTURE.sub("", line)
        depth += sum(structure.count(each) for each in "[{")
        depth -= sum(structure.count(each) for each in "]}")
    return found


def _plain(name: str) -> str:
    """Return a table's name without the quotes and blanks around its parts."""
    return ".".join(part.strip(" \"'") for part in name.split("."))
