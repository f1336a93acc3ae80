"""The result as JSON, one finding in each line: for programs, and for people who compare files."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from yikao_alerts.backtest.found import Found
from yikao_alerts.backtest.summary import Figures
from yikao_alerts.backtest.trace import Trace

_ENCODED: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def write_json(
    figures: Figures, traces: Mapping[str, Trace], source: Mapping[str, Any], file: TextIO
) -> None:
    """Write `findings`, `summary`, `trace` where there is one, and `input`.

    The same readings in any order of rows give the same bytes, but for `input`, which names the
    file itself. source: what it says.
    """
    file.write('{"findings": [')
    _lines(_findings(figures), file)
    file.write('],\n"summary": ')
    file.write(json.dumps(figures.as_json(), ensure_ascii=False, allow_nan=False, indent=1))
    if traces:
        file.write(',\n"trace": {')
        lines = (f"{_ENCODED(name)}: {_ENCODED(traces[name].as_json())}" for name in sorted(traces))
        _lines(lines, file)
        file.write("}")
    file.write(f',\n"input": {_ENCODED(dict(source))}}}\n')


def _findings(figures: Figures) -> Iterator[str]:
    found: Iterable[Found] = figures.findings
    for each in found:
        yield _ENCODED(each.as_json(figures.zone))


def _lines(lines: Iterable[str], file: TextIO) -> None:
    before = "\n"
    for line in lines:
        file.write(before + line)
        before = ",\n"
    file.write("\n")


def source_of(path: Path, digest: str) -> dict[str, Any]:
    """Return what names an input file."""
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": digest}
