"""Rows as CSV (RFC 4180) or NDJSON: written one by one, nothing kept."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final, Protocol

from yikao_ingest.export.columns import Column
from yikao_ingest.export.parquet import ParquetWriter


class Writer(Protocol):
    """Takes rows, each with one value for a column, and at last `end`."""

    def row(self, values: Sequence[Any]) -> None:
        """Write a row."""

    def end(self) -> None:
        """Write what is left."""


class CsvWriter:
    """UTF-8 with a header; empty cells for what is absent, `;` between codes."""

    def __init__(self, out: BinaryIO, columns: Sequence[Column]) -> None:
        self._csv = csv.writer(_Utf8(out))
        self._csv.writerow(column.name for column in columns)

    def row(self, values: Sequence[Any]) -> None:
        """Write a row."""
        self._csv.writerow(map(_cell, values))

    def end(self) -> None:
        """Nothing is left."""


@dataclass(frozen=True, slots=True)
class _Utf8:
    """Takes the text that the standard library's writer gives; the stream stays open after it."""

    out: BinaryIO

    def write(self, text: str) -> int:
        return self.out.write(text.encode())


class NdjsonWriter:
    """UTF-8, an object in each line; what is absent has no key."""

    def __init__(self, out: BinaryIO, columns: Sequence[Column]) -> None:
        self._out = out
        self._names = [column.name for column in columns]
        self._text = json.JSONEncoder(ensure_ascii=False, default=_moment).encode

    def row(self, values: Sequence[Any]) -> None:
        """Write a row."""
        pairs = zip(self._names, values, strict=True)
        told = {name: value for name, value in pairs if value is not None}
        self._out.write(self._text(told).encode() + b"\n")

    def end(self) -> None:
        """Nothing is left."""


WRITERS: Final[dict[str, Callable[[BinaryIO, Sequence[Column]], Writer]]] = {
    "csv": CsvWriter,
    "ndjson": NdjsonWriter,
    "parquet": ParquetWriter,
}
"""By the name of the format."""


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return _moment(value)
        case float():
            return repr(value).removesuffix(".0")
        case list():
            return ";".join(value)
    return str(value)


def _moment(at: datetime) -> str:
    """Return a time in UTC as most programs read it."""
    return at.isoformat().replace("+00:00", "Z")
