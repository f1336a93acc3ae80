"""How gateways are: heard when, of which version, told what, and doing what. Words in zh and en."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final
from unicodedata import east_asian_width

import psycopg
from msgspec import json
from psycopg.rows import class_row

from yikao_alerts.feed.store import SEEN_WITHIN
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_ingest.check import span

SQL: Final = load_sql_blocks("yikao_ingest", "sql/gateways.sql")
COLUMNS: Final = ("gateway", "state", "heard", "waiting", "version", "configuration")
GAP: Final = 2
NONE: Final = "–"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway's row: what it said, what is wished of it, and what became of that. JSON as text;
    None where it never said, or nothing was ever wished."""

    gateway_id: str
    online: bool | None
    seen_at: datetime | None
    waiting: int | None
    version: str | None
    machine: str | None
    wished_revision: int | None
    wished: str | None
    set_by: str | None
    set_at: datetime | None
    sent_at: datetime | None
    configuration: str
    """`none`, `waiting`, or what the gateway says became of the newest wish."""
    revision: int | None
    code: str | None
    field: str | None
    in_force: str | None
    local: Sequence[str] | None

    def state(self, now: datetime) -> str:
        """Return `online`, `offline`, `silent` or `unknown`, as the feed calls it."""
        if self.online is None or self.seen_at is None:
            return "unknown"
        if not self.online:
            return "offline"
        return "online" if now - self.seen_at <= SEEN_WITHIN else "silent"


def gateways(conn: psycopg.Connection, ids: Sequence[str] | None) -> list[Gateway]:
    """Return these gateways, or all."""
    with conn.cursor(row_factory=class_row(Gateway)) as cursor:
        wanted = {"gateways": None if ids is None else list(ids)}
        return cursor.execute(SQL["gateways"], wanted).fetchall()


@cache
def load_words(language: str) -> Mapping[str, Any]:
    """Return the words in `zh` or `en`."""
    file = resources.files("yikao_ingest").joinpath(f"text/gateway.{language}.toml")
    return tomllib.loads(file.read_text("utf-8"))


def table(rows: Sequence[Gateway], now: datetime, language: str) -> Iterator[str]:
    """Yield a line of titles, and one for each gateway."""
    words = load_words(language)
    lines = [[words["column"][name] for name in COLUMNS]]
    lines += [_cells(row, now, words) for row in rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (_padded(cell, width + GAP) for cell, width in zip(line, widths, strict=True))
        yield "".join(cells).rstrip()


def details(row: Gateway, now: datetime, language: str) -> Iterator[str]:
    """Yield all that is known of one gateway, a line each."""
    words = load_words(language)
    named = zip(COLUMNS, _cells(row, now, words), strict=True)
    facts: list[tuple[str, str]] = [(words["column"][name], cell) for name, cell in named]
    detail = words["detail"]
    facts.append((detail["wished"], _told(_changes(row.wished))))
    if row.set_at is not None:
        facts.append((detail["set"], f"{row.set_at:%Y-%m-%d %H:%M %Z}, {row.set_by}"))
        facts.append((detail["sent"], f"{row.sent_at:%Y-%m-%d %H:%M %Z}" if row.sent_at else NONE))
    facts.append((detail["in_force"], _told(_object(row.in_force))))
    facts.append((detail["local"], ", ".join(row.local or ()) or NONE))
    facts.append((detail["machine"], _told(_object(row.machine))))
    width = max(_width(name) for name, _ in facts) + GAP
    yield from (f"{_padded(name, width)}{fact}" for name, fact in facts)


def as_json(rows: Iterable[Gateway], now: datetime) -> str:
    """Return the same as one JSON array, for programs."""
    return json.encode(
        [
            {
                "gateway": row.gateway_id,
                "state": row.state(now),
                "seen_at": row.seen_at,
                "waiting": row.waiting,
                "version": row.version,
                "configuration": row.configuration,
                "wished_revision": row.wished_revision,
                "revision": row.revision,
                "code": row.code,
                "field": row.field,
                "wished": _changes(row.wished),
                "in_force": _object(row.in_force),
                "local": row.local,
                "machine": _object(row.machine),
            }
            for row in rows
        ]
    ).decode()


def _cells(row: Gateway, now: datetime, words: Mapping[str, Any]) -> list[str]:
    heard = span((now - row.seen_at).total_seconds()) if row.seen_at else NONE
    waiting = NONE if row.waiting is None else str(row.waiting)
    state = words["state"][row.state(now)]
    return [row.gateway_id, state, heard, waiting, row.version or NONE, _became(row, words)]


def _became(row: Gateway, words: Mapping[str, Any]) -> str:
    """Return what is wished, what is done, and why not the same."""
    kind = row.configuration
    what = str(words["configuration"][kind])
    revisions = {"wished": row.wished_revision, "reported": row.revision or 0}
    why = words["code"].get(row.code, row.code) if kind in ("refused", "returned") else None
    parts = [what.format_map(revisions), *filter(None, (why, row.field if why else None))]
    return ": ".join(parts)


def _changes(wished: str | None) -> dict[str, Any]:
    return {name: value for name, value in _object(wished).items() if name != "revision"}


def _object(text: str | None) -> dict[str, Any]:
    return json.decode(text, type=dict[str, Any]) if text else {}


def _told(facts: Mapping[str, Any]) -> str:
    def word(value: object) -> str:
        return " ".join(map(str, value)) if isinstance(value, list) else str(value)

    return ", ".join(f"{name} {word(value)}" for name, value in facts.items()) or NONE


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese character takes two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
