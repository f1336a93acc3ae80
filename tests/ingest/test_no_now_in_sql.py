"""Time is an argument: no statement looks at a clock, but the one whose name says so."""

import re
from pathlib import Path

import pytest

from yikao_alerts.sql_blocks import NAME_LINE, parse_sql_blocks

ROOT = Path(__file__).parents[2]
FOLDERS = ("alerts", "ingest", "gateway", "devices", "firmware-sim")
CLOCKS = re.compile(
    r"\bnow\s*\(|\b(current|local)_?(timestamp|time|date)\b|\btimeofday\b"
    r"|\b(clock|statement|transaction)_timestamp\b|'(now|today|tomorrow|yesterday)'",
    re.IGNORECASE,
)
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.sql"))


SEVERITY = re.compile(r"\bseverity (?:= '\w+'|IN \([^)]*\))")
""""today" is also how urgent something is."""


def without_comments(text: str) -> str:
    return SEVERITY.sub("", re.sub(r"--[^\n]*", "", text))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_statement_looks_at_a_clock(file: Path) -> None:
    text = file.read_text("utf-8")
    blocks = parse_sql_blocks(text) if NAME_LINE.search(text) else {"": text}
    looking = [name for name, body in blocks.items() if CLOCKS.search(without_comments(body))]
    assert [name for name in looking if name != "read_clock"] == []


def test_the_search_finds_what_it_looks_for() -> None:
    for statement in ("SELECT now()", "DEFAULT CURRENT_TIMESTAMP", "> 'today'::date", "localtime"):
        assert CLOCKS.search(statement)
    assert not CLOCKS.search("SELECT %(now)s, known, received_at")
    assert CLOCKS.search(without_comments("severity = 'page_now' AND day > 'today'"))
    assert not CLOCKS.search(without_comments("w.severity IN ('page_now', 'today')"))
    assert len(FILES) >= 5
