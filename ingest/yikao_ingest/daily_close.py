"""One batch of residents, one span of days: from readings to rows, worklist, labels and records."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection

from yikao_alerts.closing import Closed, Told, close
from yikao_alerts.daily.answerable import looked_at
from yikao_alerts.daily.glucose_days import GlucoseColumns, glucose_days
from yikao_alerts.daily.profile import PressureMoments, pressure_moments
from yikao_alerts.daily.sessions import PressureColumns, pressure_days
from yikao_alerts.daily.worklist import OPENED, DailyFinding, worklist
from yikao_alerts.day_record import DayGiven, day_body
from yikao_alerts.record import GENESIS, chained, pack
from yikao_alerts.resident import Resident
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import CHANGED, EVALUATE, jsonb, notify
from yikao_alerts.store import SQL as ALERTS_SQL
from yikao_alerts.store_write import DECISION_TYPES
from yikao_alerts.version import code_version
from yikao_ingest import daily_rows, daily_season
from yikao_ingest.daily_labels import Labelled, label_days
from yikao_ingest.daily_rows import SQL, Span, calendar_day, day_number, rows_of
from yikao_ingest.daily_silence import silences

_DAY_TYPES: Final = ("int4", "date", "int2", "int2", *("float8",) * 5)
_STATE_TYPES: Final = ("int4", "text", "date", "bytea")
TODAY: Final = "today"
Readings = tuple[PressureColumns, GlucoseColumns]


async def make_days(
    conn: AsyncConnection, patients: Sequence[int], span: Span, now: datetime
) -> None:
    """Store the days of a batch as rows: what the season is computed from."""
    people = await daily_rows.residents(conn, patients, now)
    for insulin in (False, True):
        group = [p for p, who in zip(patients, people, strict=True) if _insulin(who) is insulin]
        if group:
            readings = await _readings(conn, group, span)
            closed = await _closed(conn, group, span, readings, insulin=insulin)
            await _save_days(conn, group, span, closed)


async def close_days(
    conn: AsyncConnection, patients: Sequence[int], span: Span, rules: RuleSet, now: datetime
) -> None:
    """Close the days of a batch: trends, worklist, labels, records."""
    people = dict(zip(patients, await daily_rows.residents(conn, patients, now), strict=True))
    for insulin in (False, True):
        group = [p for p in patients if _insulin(people[p]) is insulin]
        if group:
            await _close_group(conn, {p: people[p] for p in group}, span, rules, now, insulin)


def _insulin(resident: Resident) -> bool:
    return "insulin" in resident.groups


async def _readings(conn: AsyncConnection, patients: Sequence[int], span: Span) -> Readings:
    return (
        await daily_rows.pressures(conn, patients, span),
        await daily_rows.glucoses(conn, patients, span),
    )


async def _closed(
    conn: AsyncConnection,
    patients: Sequence[int],
    span: Span,
    readings: Readings,
    *,
    insulin: bool,
) -> Closed:
    """Return the days of a span, folded from the checkpoint before it."""
    states, stale = await daily_rows.states(conn, patients, span.after, insulin=insulin)
    if stale:
        raise StaleBatchError([patients[row] for row in stale])
    known = await daily_rows.devices(conn, patients, span)
    cuffs = daily_rows.new_devices([known[patient] for patient in patients], span)
    pressure_told, glucose_told = await daily_rows.treatment(conn, patients, span)
    shape = len(patients), span.after + 1, span.days
    pressure, glucose = readings
    season = await daily_season.load(conn, span.zone)
    told = Told(cuffs | pressure_told, glucose_told)
    return close(
        states, pressure_days(pressure, *shape), glucose_days(glucose, *shape), told, season
    )


@dataclass
class StaleBatchError(Exception):
    """States of `patients` were written by another version: a cache that is thrown away."""

    patients: list[int]


async def _close_group(
    conn: AsyncConnection,
    people: Mapping[int, Resident],
    span: Span,
    rules: RuleSet,
    now: datetime,
    insulin: bool,
) -> None:
    patients = list(people)
    readings = await _readings(conn, patients, span)
    closed = await _closed(conn, patients, span, readings, insulin=insulin)
    await _save_days(conn, patients, span, closed)
    await _save_states(conn, patients, span, closed)
    held = await _conditions(conn, patients, span, rules)
    found = worklist(
        closed.grid,
        [people[patient] for patient in patients],
        rules,
        from_day=span.asked,
        open_before=frozenset((patients.index(p), rule) for p, rule, before in held if before),
    )
    cursor = await conn.execute(ALERTS_SQL["decision_numbers"], {"count": len(patients)})
    numbers = [int(row[0]) for row in await cursor.fetchall()]
    withdrawn = _withdrawn(patients, held, found, {rule.id for rule in looked_at(rules)})
    await _save_entries(conn, patients, now, found, {(p, r) for p, r, _ in held}, numbers)
    await _end_entries(conn, withdrawn, span, now)
    await _end_quiet(conn, patients, span, rules, now)
    silent = await silences(conn, people, rules, span.zone, calendar_day(span.last + 1))
    labels = await label_days(conn, patients, span, closed, silent, now)
    await _save_records(conn, people, span, (rules, now), (closed, found, labels), numbers)
    await _save_habits(conn, patients, span, readings)


async def _conditions(
    conn: AsyncConnection, patients: Sequence[int], span: Span, rules: RuleSet
) -> list[tuple[int, str, bool]]:
    """Return the conditions that hold by the rows, and whether they did before the asked days."""
    daily = [rule.id for rule in rules.rules if rule.lane == "daily"]
    rows = await rows_of(conn, "conditions", {"patients": list(patients), "rules": daily})
    return [(patient, rule, day_number(day) < span.asked) for patient, rule, day in rows]


def _withdrawn(
    patients: Sequence[int],
    held: Sequence[tuple[int, str, bool]],
    found: Sequence[DailyFinding],
    days_answer: Set[str],
) -> list[tuple[int, str]]:
    """Return the entries that the asked days opened when they were looked at before, and now that
    something has come late or was taken back do not."""
    told = {(patients[event.resident], event.rule_id) for event in found}
    return [
        (patient, rule_id)
        for patient, rule_id, before in held
        if not before and rule_id in days_answer and (patient, rule_id) not in told
    ]


async def _end_entries(
    conn: AsyncConnection, entries: Sequence[tuple[int, str]], span: Span, now: datetime
) -> None:
    day = calendar_day(span.last)
    rows = [{"patient_id": p, "rule_id": rule, "day": day, "now": now} for p, rule in entries]
    if rows:
        await conn.cursor().executemany(SQL["end_entry"], rows)
        await notify(conn, CHANGED, "worklist")


async def _save_entries(
    conn: AsyncConnection,
    patients: Sequence[int],
    now: datetime,
    found: Sequence[DailyFinding],
    held: set[tuple[int, str]],
    numbers: Sequence[int],
) -> None:
    """Open and end entries, so that the rows agree with what stands when the last day has closed.

    Of an entry that opened and ended in days that are caught up on nobody is told.
    """
    last = {(event.resident, event.rule_id): event for event in found}
    for (row, rule_id), event in last.items():
        values: dict[str, Any] = {
            "patient_id": patients[row],
            "rule_id": rule_id,
            "severity": event.severity,
            "day": calendar_day(event.day),
            "now": now,
            "evidence": jsonb(event.evidence),
            "decision_id": numbers[row],
        }
        is_held = (patients[row], rule_id) in held
        if event.event != OPENED and is_held:
            await conn.execute(SQL["end_entry"], values)
        elif event.event == OPENED and not is_held:
            await conn.execute(SQL["open_entry"], values)
            if event.severity == TODAY:
                await conn.execute(ALERTS_SQL["queue_evaluation"], values)
                await notify(conn, EVALUATE)
    if last:
        await notify(conn, CHANGED, "worklist")


async def _end_quiet(
    conn: AsyncConnection, patients: Sequence[int], span: Span, rules: RuleSet, now: datetime
) -> None:
    """End the entries of the acute lane's rules that have been quiet for long enough."""
    quiet = {
        rule.id: now - timedelta(days=rule.ends.quiet_days)
        for rule in rules.rules
        if rule.lane == "acute" and rule.ends is not None and rule.ends.quiet_days is not None
    }
    values = {
        "patients": list(patients),
        "day": calendar_day(span.last),
        "now": now,
        "rules": list(quiet),
        "since": list(quiet.values()),
    }
    await conn.execute(SQL["end_quiet"], values)


async def _save_days(
    conn: AsyncConnection, patients: Sequence[int], span: Span, closed: Closed
) -> None:
    """Write the rows of the days from the first that was asked for."""
    first = {"first": calendar_day(span.asked)}
    rows = [{"patient_id": patient} | first for patient in patients]
    await conn.cursor().executemany(SQL["clear_days"], rows)
    days = closed.grid.pressure
    assert days is not None, "days are closed with their pressures"
    columns = [days.am, days.am_diastolic, days.pm, days.pm_diastolic, closed.values]
    counts = days.morning.count, days.evening.count
    begin = span.asked - span.after - 1
    measured = np.argwhere((counts[0] + counts[1])[:, begin:] > 0)
    async with conn.cursor().copy(SQL["copy_days"]) as copy:
        copy.set_types(_DAY_TYPES)
        for row, place in measured.tolist():
            at = row, begin + place
            values = [None if np.isnan(each[at]) else float(each[at]) for each in columns]
            day = calendar_day(span.asked + place)
            await copy.write_row((patients[row], day, *(int(c[at]) for c in counts), *values))


async def _save_states(
    conn: AsyncConnection, patients: Sequence[int], span: Span, closed: Closed
) -> None:
    """Write the checkpoints that were passed; those after a touched day are other ones now."""
    first = {"first": calendar_day(span.after + 1)}
    rows = [{"patient_id": patient} | first for patient in patients]
    await conn.cursor().executemany(SQL["clear_states"], rows)
    async with conn.cursor().copy(SQL["copy_states"]) as copy:
        copy.set_types(_STATE_TYPES)
        for states in closed.checkpoints:
            day = calendar_day(states.day)
            for row, patient in enumerate(patients):
                for signal, state in states.to_bytes(row).items():
                    await copy.write_row((patient, signal, day, state))


async def _save_records(
    conn: AsyncConnection,
    people: Mapping[int, Resident],
    span: Span,
    by: tuple[RuleSet, datetime],
    said: tuple[Closed, Sequence[DailyFinding], Sequence[Labelled]],
    numbers: Sequence[int],
) -> None:
    """Store the record of each resident's days."""
    (rules, now), (closed, found, labels) = by, said
    rows = await rows_of(conn, "heads", {"patients": list(people)})
    heads = {patient: (seq, bytes(before)) for patient, seq, before in rows}
    version, nothing = (rules.digest, code_version()), jsonb([])
    async with conn.cursor().copy(ALERTS_SQL["copy_decisions"]) as copy:
        copy.set_types(DECISION_TYPES)
        for row, (patient, resident) in enumerate(people.items()):
            seq, before = heads.get(patient, (0, GENESIS))
            given = DayGiven(patient, resident, now, span.asked, span.last)
            events = [event for event in found if event.resident == row]
            body = day_body(seq + 1, given, version, closed, row, (events, labels[row].label))
            chain = (seq + 1, pack(body), before, chained(before, body))
            facts = (numbers[row], patient, now, *version, "daily", False, *chain)
            await copy.write_row((*facts, nothing, nothing, nothing))


async def _save_habits(
    conn: AsyncConnection, patients: Sequence[int], span: Span, readings: Readings
) -> None:
    """Write what is usual for each resident, as of the last day."""
    pressure, glucose = readings
    known = await daily_rows.devices(conn, patients, span)
    units = daily_rows.unit_habits(len(patients), pressure, glucose)
    moments: PressureMoments = pressure_moments(pressure, len(patients), span.after + 1, span.days)
    rows = [
        {
            "patient_id": patient,
            "day": calendar_day(span.last),
            "devices": jsonb(known[patient]),
            "unit_habit": jsonb(units[row]),
            "profile": jsonb(profile) if (profile := moments.profile(row, span.last + 1)) else None,
        }
        for row, patient in enumerate(patients)
    ]
    await conn.cursor().executemany(SQL["save_habit"], rows)
