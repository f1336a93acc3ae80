"""Rows as Parquet, through pyarrow where it is installed: units and codes stand in the file itself.

Rows are gathered by the group and written; no more than one group is in memory.
"""

import importlib
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

from yikao_ingest.errors import ServerError
from yikao_ingest.export.columns import Column, Type

GROUP_ROWS: Final = 20_000
"""Rows in one group: some 20 MB in memory."""
INSTALL: Final = "install it, pip install 'yikao[parquet]', or write --format csv or ndjson"


class ParquetWriter:
    """Takes rows; refuses with `ServerError` to begin without pyarrow."""

    def __init__(self, out: BinaryIO, columns: Sequence[Column]) -> None:
        try:
            # Named by a text: type checkers need not have it either.
            self._arrow: Any = importlib.import_module("pyarrow")
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise ServerError("Parquet needs pyarrow", INSTALL) from error
        self._schema = self._arrow.schema([self._field(column) for column in columns])
        self._file = parquet.ParquetWriter(out, self._schema, compression="zstd")
        self._rows: list[Sequence[Any]] = []

    def _field(self, column: Column) -> Any:
        arrow = self._arrow
        kinds = {
            Type.TEXT: arrow.string(),
            Type.NUMBER: arrow.float64(),
            Type.INTEGER: arrow.int32(),
            Type.MOMENT: arrow.timestamp("us", "UTC"),
            Type.CODES: arrow.list_(arrow.string()),
        }
        told = {"meaning": column.meaning, "ucum": column.ucum, "loinc": column.loinc}
        known = {key: value for key, value in told.items() if value}
        return arrow.field(column.name, kinds[column.type], metadata=known)

    def row(self, values: Sequence[Any]) -> None:
        """Take a row."""
        self._rows.append(values)
        if len(self._rows) == GROUP_ROWS:
            self._flush()

    def end(self) -> None:
        """Write what is left, and the file's own index."""
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._rows:
            cells = [list(column) for column in zip(*self._rows, strict=True)]
            self._file.write_table(self._arrow.table(cells, schema=self._schema))
            self._rows = []
