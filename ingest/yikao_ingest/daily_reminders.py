"""Who is silent is reminded at home in the morning, and then is on the team's worklist.

Asked once a day of everybody, those too who have never measured. What was said once of a silence is
not said again; an entry says why nothing comes and whose turn it is, and the next reading ends it.
What silence is: `yikao_alerts.silence` (rule DQ-06).
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Final
from uuid import uuid5
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection, InterfaceError, OperationalError

from yikao_alerts.prompts import NAMESPACE, Ask
from yikao_alerts.rules import RuleSet
from yikao_alerts.rules.model import Rule
from yikao_alerts.silence import Cause, Fleet, Silent, Step, reminder
from yikao_alerts.store import CHANGED, COMMANDS, jsonb, notify
from yikao_alerts.store_write import ask_row, save_many
from yikao_ingest.daily_rows import SQL, calendar_day, residents, rows_of
from yikao_ingest.daily_silence import Home, gaps_of, homes_of, rule_of

log = logging.getLogger(__name__)

BATCH: Final = 500
"""Residents who are asked about in one transaction."""
MORNING: Final = time(8)
"""Nobody is reminded before; who measures first thing in the morning needs no reminder."""
EVENING: Final = time(20)
"""Nobody is reminded after: what could not be said until then is said next morning."""
HEARD_AT_HOME: Final = (Cause.RESIDENT, Cause.DEVICE)
"""Why somebody is reminded; behind a gateway that is away everybody may have measured."""


@dataclass(frozen=True, slots=True)
class SilenceRound:
    """Asks about everybody once a day. after: the day each zone is at, and who was asked last."""

    after: dict[str, tuple[int, int | None]] = field(default_factory=dict)

    async def cycle(
        self, conn: AsyncConnection, rules: RuleSet, zone: ZoneInfo, today: int, now: datetime
    ) -> bool:
        """End what is over and ask about the next residents; return whether there were any."""
        about = rule_of(rules)
        if about is None:
            return False
        rule, _ = about
        if rule.ends is not None and rule.ends.any_reading:
            over = await rows_of(conn, "end_silences", {"rule_id": rule.id, "now": now})
            if over:
                await notify(conn, CHANGED, "worklist")
        day, last = self.after.get(zone.key, (0, 0))
        if day < today:
            last = 0
            if now < datetime.combine(calendar_day(today), MORNING, zone):
                return False
            await conn.execute(SQL["enrol"], {"zone": zone.key, "day": calendar_day(today)})
        elif last is None:
            return False
        values = {"zone": zone.key, "after": last, "most": BATCH}
        patients = [row[0] for row in await rows_of(conn, "zone_residents", values)]
        if patients:
            await _all_or_each(conn, patients, Asked(rules, rule, zone, today, now))
        self.after[zone.key] = today, patients[-1] if patients else None
        return bool(patients)


@dataclass(frozen=True, slots=True)
class Asked:
    """By which rule, where, and at the beginning of which day is asked."""

    rules: RuleSet
    rule: Rule
    zone: ZoneInfo
    today: int
    now: datetime


async def _all_or_each(conn: AsyncConnection, patients: Sequence[int], asked: Asked) -> None:
    """Ask about everybody together; where that fails, about one after the other."""
    try:
        async with conn.transaction():
            await _ask(conn, patients, asked)
        return
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # one resident's data must not hide everybody's silence
        if len(patients) == 1:
            log.exception("silence of a resident not known", extra={"patient_id": patients[0]})
            return
    for patient_id in patients:
        await _all_or_each(conn, [patient_id], asked)


async def _ask(conn: AsyncConnection, patients: Sequence[int], asked: Asked) -> None:
    today, now = calendar_day(asked.today), asked.now
    gaps = await gaps_of(conn, patients, asked.rules, asked.zone, today)
    people = dict(zip(gaps, await residents(conn, list(gaps), now), strict=True))
    gaps = {p: gap for p, gap in gaps.items() if asked.rule.who.met_by(people[p], today)}
    homes, fleet = await homes_of(conn, list(gaps), now) if gaps else ({}, Fleet(0, 0))
    found = {p: homes[p].explained(gap, fleet, now) for p, gap in gaps.items()}
    await _save_entries(conn, patients, found, asked)
    until = datetime.combine(today, EVENING, asked.zone)
    if now < until:
        await _remind(conn, found, homes, now, until)


async def _save_entries(
    conn: AsyncConnection, patients: Sequence[int], found: Mapping[int, Silent], asked: Asked
) -> None:
    """Make the worklist agree with who is silent; what a person has closed is not opened again."""
    rule, cursor = asked.rule, conn.cursor()
    values = {"patients": list(patients), "rules": [rule.id]}
    held = {patient for patient, *_ in await rows_of(conn, "conditions", values)}
    team = {p: silent for p, silent in found.items() if silent.step is Step.TEAM}
    common = {
        "rule_id": rule.id,
        "severity": rule.severity,
        "day": calendar_day(asked.today - 1),
        "now": asked.now,
        "decision_id": None,
    }
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for patient, silent in team.items():
        row = common | {"patient_id": patient, "evidence": jsonb(silent.evidence())}
        rows["still_silent" if patient in held else "open_entry"].append(row)
    rows["end_entry"] = [common | {"patient_id": patient} for patient in sorted(held - team.keys())]
    for statement, each in rows.items():
        if each:
            await cursor.executemany(SQL[statement], each)
    if team or rows["end_entry"]:
        await notify(conn, CHANGED, "worklist")


async def _remind(
    conn: AsyncConnection,
    found: Mapping[int, Silent],
    homes: Mapping[int, Home],
    now: datetime,
    until: datetime,
) -> None:
    """Have it said at home, once when a silence begins and once when the team hears of it."""
    zh, en = reminder("zh"), reminder("en")
    rows = []
    for patient, silent in found.items():
        device = homes[patient].device(now)
        if silent.cause in HEARD_AT_HOME and device is not None:
            key = f"silence|{patient}|{silent.since}|{silent.step}"
            ask = Ask(uuid5(NAMESPACE, key), "show", device, zh, en, until)
            rows.append(ask_row(patient, ask, now))
    if rows:
        await save_many(conn, "insert_command", rows)
        await notify(conn, COMMANDS)
