"""Replay against the database: every record of a time, checked and computed again, in a stream.

Reads only. The check itself is `yikao_alerts.replay`; here are the rows, the rule sets by which
they were decided, and the readings that have to be the same still.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from yikao_alerts.explain import Story
from yikao_alerts.history import Measurement
from yikao_alerts.record import Record
from yikao_alerts.replay import Difference, Replay, Stored, What
from yikao_alerts.rules import SHIPPED, RuleSet, load_rules
from yikao_alerts.rules.file import rules_of
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.store_read import measurement_of_row
from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest.errors import ServerError
from yikao_ingest.reassign_read import SQL as REASSIGN

SQL: Final = load_sql_blocks("yikao_ingest", "sql/replay.sql")
BATCH: Final = 500
"""Records whose readings are asked for at once."""

WEEK_S: Final = 7 * 86_400.0

Progress = Callable[[int, int], None]
"""Is told how many of how many records are done."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which records: decided from `since` on and before `until`, of one resident or of all."""

    since: datetime | None = None
    until: datetime | None = None
    patient_id: int | None = None

    def values(self) -> dict[str, Any]:
        """Return the bounds as the statements take them."""
        return {"since": self.since, "until": self.until, "patient_id": self.patient_id}


@dataclass(frozen=True, slots=True)
class Checked:
    """One record with what does not agree; `record` is None where its bytes are none.

    traced: how many of its readings are another's by now, or had come by a correction or out of
    quarantine: they were found, and are what they were.
    """

    record: Record | None
    differences: Sequence[Difference]
    traced: int = 0


def replay(
    dsn: str, span: Span, *, verify: bool = False, progress: Progress = lambda *_: None
) -> Iterator[Checked]:
    """Yield every record of a span, checked.

    verify: also whether each reading in a record is the one that is stored.
    """
    with psycopg.connect(dsn) as rows, psycopg.connect(dsn, autocommit=True) as beside:
        for conn in (rows, beside):
            conn.execute("SET TimeZone = 'UTC'")
        known = known_rules(beside)
        total = _one(beside, "count_decisions", span.values())
        check = Replay(known, whole=span.since is None)
        done = 0
        for batch in _batches(rows, span):
            checked = [check.check(row) for row in batch]
            found = [Checked(record, differences) for record, differences in checked]
            if verify:
                found = _with_readings(beside, batch, found)
            yield from found
            done += len(batch)
            progress(done, total)


def _batches(conn: Connection, span: Span) -> Iterator[list[Stored]]:
    with conn.cursor("decisions", binary=True) as cursor:
        cursor.itersize = BATCH
        cursor.execute(SQL["decisions"], span.values())
        rows = (Stored(*row) for row in cursor)
        while batch := list(islice(rows, BATCH)):
            yield batch


def _one(conn: Connection, statement: str, values: Mapping[str, Any]) -> Any:
    row = conn.execute(SQL[statement], values).fetchone()
    return row[0] if row else None


def known_rules(conn: Connection) -> dict[str, RuleSet]:
    """Return the rule sets by which was decided and that are at hand, by their digests.

    A stored text that this version reads as another set is not at hand.
    """
    digests = [row[0] for row in conn.execute(SQL["digests"])]
    found = [load_rules(name) for name in SHIPPED]
    for name, texts in conn.execute(SQL["rulesets"], {"digests": digests}):
        try:
            found.append(rules_of(name, [(file, text) for file, text in texts]))
        except FaultyFileError:
            continue
    return {rules.digest: rules for rules in found}


def story(dsn: str, episode_id: int) -> tuple[Story, RuleSet | None]:
    """Return an episode with all that is stored of it, and the rules by which it was decided.

    Refuses with `ServerError` a number that no episode has.
    """
    with psycopg.connect(dsn, row_factory=dict_row) as conn:
        conn.execute("SET TimeZone = 'UTC'")
        episode = conn.execute(SQL["episode"], {"episode_id": episode_id}).fetchone()
        if episode is None:
            raise ServerError(f"no episode {episode_id}", "name one as the feed's address does")
        parts = [
            conn.execute(SQL[name], episode).fetchall()
            for name in ("findings", "refusals", "pages", "events")
        ]
    with psycopg.connect(dsn) as conn:
        rules = known_rules(conn).get(episode["digest"])
    return Story(episode, ZoneInfo(episode["zone"]), *parts), rules


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What the rule set on trial has found otherwise: (new, gone) by rule and severity."""

    decisions: int
    patient_weeks: float
    counts: Mapping[tuple[str, str], tuple[int, int]]


def shadow_report(dsn: str, span: Span) -> ShadowReport:
    """Return how the rule set on trial compares with the live one over a span."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    with psycopg.connect(dsn) as conn:
        facts = conn.execute(SQL["shadow_span"], span.values()).fetchone()
        assert facts is not None, "an aggregate has a row"
        for rule, severity, new, gone in conn.execute(SQL["shadow_counts"], span.values()):
            before = counts.get((rule, severity), (0, 0))
            counts[rule, severity] = before[0] + new, before[1] + gone
    _, decisions, seconds, _ = facts
    return ShadowReport(decisions, seconds / WEEK_S, counts)


def patient_of(dsn: str, code: str) -> int:
    """Return the number of a resident; refuses with `ServerError` one nobody knows."""
    with psycopg.connect(dsn) as conn:
        patient_id = _one(conn, "patient_of_code", {"code": code})
    if patient_id is None:
        raise ServerError(f"no resident {code}", "name one as the registry does")
    return int(patient_id)


def _with_readings(
    conn: Connection, batch: Sequence[Stored], found: Sequence[Checked]
) -> list[Checked]:
    """Return the records with those readings noted that are not stored so any more."""
    spans = _spans(found)
    if not spans:
        return list(found)
    values = {
        "patients": list(spans),
        "firsts": [first for first, _ in spans.values()],
        "lasts": [last for _, last in spans.values()],
        "oldest": min(first for first, _ in spans.values()),
        "newest": max(last for _, last in spans.values()),
    }
    cursor = conn.cursor(binary=True)
    stored = _by_key(cursor.execute(SQL["stored_readings"], values).fetchall())
    moved = _by_key(cursor.execute(REASSIGN["found_elsewhere"], values).fetchall())
    return [_compared(row, each, stored, moved) for row, each in zip(batch, found, strict=True)]


Kept = Mapping[tuple[int, str], Sequence[Measurement]]
"""Readings by resident and key: of one moment there may be several."""


def _by_key(rows: Sequence[tuple[Any, ...]]) -> Kept:
    found: dict[tuple[int, str], list[Measurement]] = defaultdict(list)
    for row in rows:
        m = measurement_of_row(row)
        found[row[0], m.key].append(m)
    return found


def _spans(found: Sequence[Checked]) -> dict[int, tuple[datetime, datetime]]:
    """Return from when to when each resident's readings are needed."""
    spans: dict[int, tuple[datetime, datetime]] = {}
    for each in found:
        if each.record is not None and (readings := each.record.given.history.measurements):
            patient_id = each.record.given.patient_id
            first, last = readings[0].at, readings[-1].at
            held = spans.get(patient_id, (first, last))
            spans[patient_id] = min(held[0], first), max(held[1], last)
    return spans


def _compared(row: Stored, each: Checked, stored: Kept, moved: Kept) -> Checked:
    """Return a record with each reading noted that is stored otherwise, here and wherever it may
    have gone; quarantine is not looked into."""
    differences, traced = list(each.differences), 0
    for m in each.record.given.history.measurements if each.record is not None else ():
        key = row.patient_id, m.key
        if not m.plausible or m in stored.get(key, ()):
            continue
        if m in moved.get(key, ()):
            traced += 1
            continue
        what = f"{m.key} {'is stored otherwise' if key in stored else 'is gone'}"
        differences.append(Difference(row.decision_id, row.patient_id, What.INPUT, what))
    return Checked(each.record, differences, traced)
