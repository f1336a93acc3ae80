"""The result as JSON, one finding in each line: for programs, and for people who compare files."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from math import isnan
from pathlib import Path
from typing import Any, Final, TextIO
from zoneinfo import ZoneInfo

from yikao_alerts.backtest.found import Found
from yikao_alerts.backtest.summary import Figures
from yikao_alerts.backtest.trace import Trace

_ENCODED: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_word: Final = lru_cache(maxsize=1024)(_ENCODED)
"""Names and codes, that come again and again."""


def write_json(
    figures: Figures, traces: Mapping[str, Trace], source: Mapping[str, Any], file: TextIO
) -> None:
    """Write `findings`, `summary`, `trace` where there is one, and `input`.

    The same readings in any order of rows give the same bytes, but for `input`, which names the
    file itself. source: what it says.
    """
    file.write('{"findings": [')
    _lines((_line(found, figures.zone) for found in figures.findings), file)
    file.write('],\n"summary": ')
    file.write(json.dumps(figures.as_json(), ensure_ascii=False, allow_nan=False, indent=1))
    if traces:
        file.write(',\n"trace": {')
        lines = (f"{_ENCODED(name)}: {_ENCODED(traces[name].as_json())}" for name in sorted(traces))
        _lines(lines, file)
        file.write("}")
    file.write(f',\n"input": {_ENCODED(dict(source))}}}\n')


def _line(found: Found, zone: ZoneInfo) -> str:
    """Return a finding as it stands in the output, its times in a zone.

    There are hundreds of thousands: put together by hand a line takes half of what an encoder that
    is told nothing of it would take.
    """
    line = (
        f'{{"resident": {_word(found.resident)}, "rule": {_word(found.rule)}, '
        f'"at": {_time(found.at, zone)}, "severity": {_word(found.severity)}, '
        f'"confirmed": {_word(found.confirmed)}, '
        f'"inputs": [{", ".join(map(_ENCODED, found.inputs))}], '
        f'"found_at": {_time(found.found_at, zone)}, "lane": {_word(found.lane)}'
    )
    if found.ended_at is not None:
        line += f', "ended_at": {_time(found.ended_at, zone)}'
    if found.evidence is not None:
        line += f', "evidence": {_ENCODED(_known(found.evidence))}'
    return line + "}"


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f'"{at.astimezone(zone).isoformat()}"'


def _known(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers as JSON can say them: what is not known is null."""
    plain: dict[str, Any] = {}
    for key, value in evidence.items():
        if isinstance(value, Mapping):
            plain[key] = _known(value)
        else:
            plain[key] = None if isinstance(value, float) and isnan(value) else value
    return plain


def _lines(lines: Iterable[str], file: TextIO) -> None:
    before = "\n"
    for line in lines:
        file.write(before + line)
        before = ",\n"
    file.write("\n")


def source_of(path: Path, digest: str) -> dict[str, Any]:
    """Return what names an input file."""
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": digest}
