"""Where something stands in a TOML file, so that a fault can be told with its line.

The standard library's parser gives values without positions. This reads the same text for the
positions of table headers and keys only; what it does not find is told without a line.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Final

_ARRAY: Final = re.compile(r"^\s*\[\[\s*([\w.-]+)\s*\]\]")
_TABLE: Final = re.compile(r"^\s*\[\s*([\w.-]+)\s*\]")
_KEY: Final = re.compile(r"^\s*([\w-]+)\s*=")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: where (0: unknown), what is wrong, and what to write instead."""

    line: int
    what: str
    fix: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.what}. {self.fix}"


class FaultyFileError(ValueError):
    """A file with faults, all of them, in the order of their lines; its author must mend them."""

    def __init__(self, path: str, faults: list[Fault]) -> None:
        self.path = path
        self.faults = sorted(faults, key=lambda fault: fault.line)
        super().__init__("\n".join(f"{path}: {fault}" for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Lines:
    """Line numbers by table, index within an array of tables, and key ("" for the header)."""

    by_place: dict[tuple[str, int, str], int]

    def of(self, table: str, index: int = 0, key: str = "") -> int:
        """Return the line of a key, else of its table's header, else 0."""
        return self.by_place.get((table, index, key)) or self.by_place.get((table, index, ""), 0)


def parse_toml(text: str, path: str) -> tuple[dict[str, Any], Lines]:
    """Return the values of `text` and where they stand.

    Refuses text that is no TOML with `FaultyFileError`, which has the parser's own line in it.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else 0
        fix = "Write `key = value`, texts in double quotes"
        raise FaultyFileError(path, [Fault(line, f"not valid TOML: {error}", fix)]) from error
    return values, _lines(text)


def _lines(text: str) -> Lines:
    by_place: dict[tuple[str, int, str], int] = {}
    counts: dict[str, int] = {}
    table, index = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if array := _ARRAY.match(line):
            table = array[1]
            index = counts.get(table, -1) + 1
            counts[table] = index
            by_place[table, index, ""] = number
        elif header := _TABLE.match(line):
            table = header[1]
            index = counts.get(table.split(".")[0], 0)
            by_place[table, index, ""] = number
        elif key := _KEY.match(line):
            by_place.setdefault((table, index, key[1]), number)
    return Lines(by_place)
