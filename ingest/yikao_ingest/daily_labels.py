"""The label of each resident when the day has closed: carried on from the day before, and why."""

import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection

from yikao_alerts.closing import Closed
from yikao_alerts.daily import labels
from yikao_alerts.daily.labels import HIGH, LABEL_VERSION, VERY_HIGH, Colour, Facts, Levels, Open
from yikao_alerts.daily.level import LevelNumbers
from yikao_alerts.silence import Silent
from yikao_alerts.store import jsonb
from yikao_ingest.daily_rows import SQL, Span, calendar_day, day_number, rows_of

_STATE: Final = struct.Struct("<bi??")
"""Colour shown, since which day, and whether the level counted as high and as very high."""
_URGENCY: Final = {"page_now": Open.PAGE_NOW, "today": Open.TODAY, "this_week": Open.THIS_WEEK}
SILENCE: Final = "DQ-06"
"""The entry for silence is not counted: silence has a reason of its own."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A resident's label and the reasons for it."""

    label: str
    reasons: list[labels.Reason]


async def label_days(
    conn: AsyncConnection,
    patients: Sequence[int],
    span: Span,
    closed: Closed,
    silent: Mapping[int, Silent],
    now: datetime,
) -> list[Labelled]:
    """Store and return the labels at the end of the last day.

    silent: who has not measured as expected. Only what changed enters the history. A label says
    what stood then: a late reading changes today's, never yesterday's.
    """
    before = {
        patient: (day_number(day), *_STATE.unpack(bytes(state)))
        for patient, day, state in await rows_of(conn, "label_states", {"patients": list(patients)})
    }
    cases = await _open_cases(conn, patients, now)
    found = []
    for row, patient in enumerate(patients):
        state = before.get(patient, (span.last - 1, Colour.BLUE, span.last, False, False))
        gap = silent.get(patient)
        carried, labelled = _label(closed, row, state, cases[patient], span.last, gap)
        found.append(labelled)
        values = {"patient_id": patient, "day": calendar_day(span.last)}
        await conn.execute(SQL["save_label_state"], values | {"state": _STATE.pack(*carried)})
    await _save(conn, patients, found, now)
    return found


def _label(
    closed: Closed,
    row: int,
    before: tuple[int, int, int, bool, bool],
    cases: Mapping[Open, Sequence[str]],
    last: int,
    gap: Silent | None,
) -> tuple[tuple[int, int, bool, bool], Labelled]:
    """Return the state of the label after the last day, and the label; day by day since the last
    one that was given."""
    grid = closed.grid.of(slice(row, row + 1))
    assert grid.systolic_level is not None and grid.diastolic_level is not None
    opened = np.full((1, grid.days), max(cases, default=Open.NOTHING), dtype=np.int8)
    whole = labels.facts_of(grid, opened)
    day, shown, since, high, very_high = before
    shown_now, since_now = np.array([shown], np.int8), np.array([since], np.int32)
    facts, levels = whole, Levels(grid.systolic_level, grid.diastolic_level)
    for today in range(min(max(day + 1, grid.first_day), last), last + 1):
        column = slice(today - grid.first_day, today - grid.first_day + 1)
        levels = Levels(
            *(LevelNumbers(its.level[:, column], its.sd[:, column]) for its in _both(grid))
        )
        highs = levels.above(HIGH, np.array([high]))
        very_highs = levels.above(VERY_HIGH, np.array([very_high]))
        high, very_high = bool(highs[0, 0]), bool(very_highs[0, 0])
        facts = Facts(
            opened[:, column],
            highs,
            very_highs,
            whole.silent[:, column],
            whole.reading_days[:, column],
        )
        if today == last and gap is not None:
            facts = _with_gap(facts, gap)
        wanted = labels.colours(facts)[:, 0]
        shown_now, since_now = labels.dwelt(wanted, shown_now, since_now, today)
    colour = Colour(int(shown_now[0]))
    why = labels.reasons(facts, levels, (0, 0), cases, colour)
    carried = (int(colour), int(since_now[0]), high, very_high)
    return carried, Labelled(colour.name.lower(), why)


def _with_gap(facts: Facts, gap: Silent) -> Facts:
    """Return the facts of a day with what is known of the silence, however long ago it began."""
    silent = np.full_like(facts.silent, gap.days) if gap.since is not None else facts.silent
    return replace(facts, silent=silent, behind=np.full(facts.high.shape, gap.behind))


def _both(grid: Any) -> tuple[LevelNumbers, LevelNumbers]:
    return grid.systolic_level, grid.diastolic_level


async def _open_cases(
    conn: AsyncConnection, patients: Sequence[int], now: datetime
) -> dict[int, dict[Open, list[str]]]:
    """Return the rules of each resident's open cases, by urgency."""
    found: dict[int, dict[Open, list[str]]] = {patient: {} for patient in patients}
    values = {"patients": list(patients), "now": now}
    for patient, rule_id, severity in sorted(await rows_of(conn, "open_cases", values)):
        if severity in _URGENCY and rule_id != SILENCE:
            found[patient].setdefault(_URGENCY[severity], []).append(rule_id)
    return found


async def _save(
    conn: AsyncConnection, patients: Sequence[int], found: Sequence[Labelled], now: datetime
) -> None:
    rows = await rows_of(conn, "newest_labels", {"patients": list(patients)})
    newest: dict[int, str] = defaultdict(str, {patient: label for patient, label, _ in rows})
    changed = [
        {
            "patient_id": patient,
            "now": now,
            "label": each.label,
            "reasons": jsonb(each.reasons),
            "version": LABEL_VERSION,
        }
        for patient, each in zip(patients, found, strict=True)
        if newest[patient] != each.label
    ]
    if changed:
        await conn.cursor().executemany(SQL["save_label"], changed)
