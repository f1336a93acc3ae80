"""The daily round: when the day at home has closed, what do the days say of everybody?

Days are made of readings, the panel's season is frozen, trends are stepped on, and the worklist and
the labels follow; in the morning, who has been silent. A late reading takes its resident back to
its day. It never pages by itself: what is for today (BP-07) is handed to the evaluator, which calls
in the daytime.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection, InterfaceError, OperationalError

from yikao_alerts.clock import Now, read_clock
from yikao_alerts.daily.columns import SESSION_GAP_MINUTES, day_of, first_touched_day
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import LOCK_CLASS
from yikao_alerts.store import SQL as ALERTS_SQL
from yikao_ingest import daily_season
from yikao_ingest.daily_close import StaleBatchError, close_days, make_days
from yikao_ingest.daily_coverage import CoverageRound
from yikao_ingest.daily_reminders import SilenceRound
from yikao_ingest.daily_rows import (
    OLDEST,
    SQL,
    Span,
    beginning,
    calendar_day,
    checkpoints,
    day_number,
    rows_of,
)

log = logging.getLogger(__name__)

BATCH: Final = 500
"""Residents whose days are closed in one transaction."""
LOOK_AT: Final = 2000
"""Among so many a batch is claimed: enough for several evaluators."""
GRACE: Final = timedelta(minutes=SESSION_GAP_MINUTES + 5)
"""After 04:00: a session that began before may go on, and its readings have to arrive."""


def local_minute(at: datetime, zone: ZoneInfo) -> int:
    """Return a time in minutes since 1970-01-01 on the clock at home."""
    offset = at.astimezone(zone).utcoffset() or timedelta(0)
    return int((at - OLDEST + offset) // timedelta(minutes=1))


def last_closed(now: datetime, zone: ZoneInfo) -> int:
    """Return the last day at home that has closed."""
    return day_of(local_minute(now - GRACE, zone)) - 1


@dataclass(frozen=True, slots=True)
class Due:
    """A resident whose days are due, from `asked` on."""

    patient_id: int
    asked: int


@dataclass(frozen=True, slots=True)
class DailyRound:
    """Closes days by `rules`."""

    rules: RuleSet
    now: Now = read_clock
    begun: dict[str, int] = field(default_factory=dict)
    """Up to which day each zone's residents have their line, as far as this process knows."""
    done: dict[str, int] = field(default_factory=dict)
    """Up to which day nobody in a zone is left."""
    silences: SilenceRound = field(default_factory=SilenceRound)
    coverage: CoverageRound | None = None
    """Where nobody can be told, nobody looks."""

    async def cycle(self, conn: AsyncConnection) -> bool:
        """Do one batch of what is due; return whether there was any."""
        async with conn.transaction():
            await conn.execute(ALERTS_SQL["in_utc"])
            now = await self.now(conn)
            for (name,) in await rows_of(conn, "zones", {}):
                zone = ZoneInfo(name)
                day = last_closed(now, zone)
                if await self._touched(conn, zone, now):
                    return True
                if self.done.get(name, 0) < day and await self._zone(conn, zone, day, now):
                    return True
                if await self.silences.cycle(conn, self.rules, zone, day + 1, now):
                    return True
        if self.coverage is not None:
            async with conn.transaction():
                await self.coverage.cycle(conn, now)
        return False

    async def _zone(self, conn: AsyncConnection, zone: ZoneInfo, day: int, now: datetime) -> bool:
        """Do the next batch of a zone's day: its days first, then the season, then the rules."""
        if self.begun.get(zone.key, 0) < day:
            values = {"zone": zone.key, "oldest": OLDEST, "long_ago": OLDEST}
            await conn.execute(SQL["begin_residents"], values)
            self.begun[zone.key] = day
        if due := await self._claim(conn, "claim_days", zone, day):
            return await self._each_group(conn, due, zone, day, now, rules=False)
        place = {"zone": zone.key, "day": calendar_day(day)}
        ((anybody, days),) = await rows_of(conn, "waiting", place)
        if days:
            # Somebody else makes them; the season waits for everybody.
            return False
        await daily_season.freeze(conn, zone, day)
        if due := await self._claim(conn, "claim_round", zone, day):
            return await self._each_group(conn, due, zone, day, now, rules=True)
        if not anybody:
            self.done[zone.key] = day
        return False

    async def _touched(self, conn: AsyncConnection, zone: ZoneInfo, now: datetime) -> bool:
        """Go back to the touched days of residents whose last day is closed."""
        due = await self._claim(conn, "claim_touched", zone, last_closed(now, zone))
        if not due:
            return False
        return await self._each_group(conn, due, zone, last_closed(now, zone), now, rules=True)

    async def _claim(
        self, conn: AsyncConnection, statement: str, zone: ZoneInfo, day: int
    ) -> list[Due]:
        bounds = {
            "lock_class": LOCK_CLASS,
            "look_at": LOOK_AT,
            "most": BATCH,
            "zone": zone.key,
            "day": calendar_day(day),
        }
        claimed = await rows_of(conn, statement, bounds)
        return await self._still_due(conn, statement, claimed, zone, day)

    async def _still_due(
        self,
        conn: AsyncConnection,
        statement: str,
        claimed: Sequence[tuple[Any, ...]],
        zone: ZoneInfo,
        day: int,
    ) -> list[Due]:
        """Return those that nobody has dealt with between our looking and our locking."""
        if not claimed:
            return []
        found = []
        values = {"patients": [row[0] for row in claimed]}
        for patient, made, through, touched_at in await rows_of(conn, "still_due", values):
            first = day_number(made if statement == "claim_days" else through) + 1
            if touched_at is not None and statement != "claim_days":
                first = min(first, first_touched_day(local_minute(touched_at, zone)))
            if first <= day:
                found.append(Due(patient, first))
        return found

    async def _each_group(
        self,
        conn: AsyncConnection,
        due: Sequence[Due],
        zone: ZoneInfo,
        day: int,
        now: datetime,
        *,
        rules: bool,
    ) -> bool:
        """Close the days of residents whose folds begin together; return that something was done.

        What fails for a group is done one by one; who fails alone is looked at the next day again.
        """
        asked = {each.patient_id: each.asked for each in due}
        begins = await checkpoints(conn, list(asked), asked, zone)
        spans = {patient: (begins[patient], first) for patient, first in asked.items()}
        for after, first in sorted(set(spans.values())):
            group = [patient for patient in asked if spans[patient] == (after, first)]
            span = Span(zone, after, first, day)
            made = await self._all_or_each(conn, group, span, now, rules=rules)
            await self._made(conn, made, zone, day, rules=rules)
        return True

    async def _all_or_each(
        self, conn: AsyncConnection, group: Sequence[int], span: Span, now: datetime, *, rules: bool
    ) -> Sequence[int]:
        """Return whose days are done; the others' begin again from their first reading."""
        try:
            async with conn.transaction():
                if rules:
                    await close_days(conn, group, span, self.rules, now)
                else:
                    await make_days(conn, group, span, now)
            return group
        except StaleBatchError as error:
            first = {"first": calendar_day(0)}
            rows = [{"patient_id": patient} | first for patient in error.patients]
            await conn.cursor().executemany(SQL["clear_states"], rows)
            return []
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # one resident's days must not keep all others' from being closed
            if len(group) == 1:
                log.exception("days of a resident not closed", extra={"patient_id": group[0]})
                return group
        log.warning("days are closed one by one", extra={"residents": len(group)})
        made: list[int] = []
        for patient_id in group:
            made += await self._all_or_each(conn, [patient_id], span, now, rules=rules)
        return made

    async def _made(
        self,
        conn: AsyncConnection,
        patients: Sequence[int],
        zone: ZoneInfo,
        day: int,
        *,
        rules: bool,
    ) -> None:
        # What comes later than this of a session that began before, goes back to it.
        until = beginning(day + 1, zone) + timedelta(minutes=SESSION_GAP_MINUTES)
        values: Mapping[str, Any] = {
            "patients": list(patients),
            "day": calendar_day(day),
            "closed_until": until,
        }
        await conn.execute(SQL["round_made" if rules else "days_made"], values)
