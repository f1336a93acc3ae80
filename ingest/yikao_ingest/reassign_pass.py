"""The passes over what a corrected registry asks to look at: by `yikao registry apply`, with a bar,
and by the evaluator, which finishes what was cut off.

Ingest judges with the registry that it has read, and may store what it has judged a moment after a
new one was applied and everything moved. So each device is looked at again a little later, and once
more when no batch can be under way any longer that knew the registry before.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.errors import DeadlockDetected

from yikao_alerts.clock import Now, read_clock
from yikao_alerts.store import SQL as ALERTS_SQL
from yikao_ingest.reassign import Outcome
from yikao_ingest.reassign_read import BATCH, SQL, Batch, Work, count_due, due, next_batch
from yikao_ingest.reassign_write import carry_out

log = logging.getLogger(__name__)

AGAIN: Final = (timedelta(seconds=10), timedelta(minutes=10))
"""After a registry was applied its devices are looked at again: ingest asks for the registry before
each batch, at least five times a second, and a batch that takes minutes has lost its database."""
ASIDE: Final = timedelta(minutes=1)
"""A device whose readings could not be moved is looked at again after this; nobody waits for it."""

Progress = Callable[[int, int], None]
"""Is told how many readings, or devices, of how many have been looked at."""


@dataclass(slots=True)
class Tally:
    """What a pass has done, or would do.

    moved: readings by (from, to); reports: of symptoms, likewise. conflicts: records that stand
    beside another of their moment now. unclaimed: readings that the registry gives to nobody.
    """

    moved: Counter[tuple[int, int]] = field(default_factory=Counter)
    reports: Counter[tuple[int, int]] = field(default_factory=Counter)
    seen: int = 0
    conflicts: int = 0
    unclaimed: int = 0
    amended: int = 0

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        self.seen += batch.seen
        self.unclaimed += batch.unclaimed
        for one in batch.placed:
            self.moved[one.record.patient_id, one.patient_id] += one.moves
            self.conflicts += one.outcome is Outcome.CONFLICT
        self.reports.update((report.patient_id, report.to) for report in batch.reports)


@dataclass(frozen=True, slots=True)
class ReassignRound:
    """Moves what belongs to somebody else, piece by piece: so many readings in one transaction."""

    now: Now = read_clock
    most: int = BATCH

    async def cycle(self, conn: AsyncConnection, tally: Tally | None = None) -> bool:
        """Do the next piece; return whether there was one.

        What fails is put off and told in the log: it holds up nothing else.
        """
        async with conn.transaction():
            await conn.execute(ALERTS_SQL["in_utc"])
            now = await self.now(conn)
            found = await due(conn, now)
            for work in found:
                await self._do_or_put_off(conn, work, now, tally or Tally())
        return bool(found)

    async def _do_or_put_off(
        self, conn: AsyncConnection, work: Work, now: datetime, tally: Tally
    ) -> None:
        device = {"device_id": work.device.device_id}
        try:
            async with conn.transaction():
                batch = await next_batch(conn, work, self.most)
                amended = await carry_out(conn, work, batch, now)
                await _advance(conn, work, batch, now)
        except (OperationalError, InterfaceError) as error:
            if not isinstance(error, DeadlockDetected):
                raise
            log.info("readings are moved a little later", extra=device)
        except Exception:  # what is wrong with one device must not keep days from being closed
            log.exception("readings of a device not moved", extra=device)
        else:
            tally.add(batch)
            tally.amended += amended
            if counts := batch.counts:
                log.info("readings re-assigned", extra=device | counts)
            return
        await conn.execute(SQL["put_off"], device | {"due_at": now + ASIDE})


async def _advance(conn: AsyncConnection, work: Work, batch: Batch, now: datetime) -> None:
    """Remember how far it is, and when to look again."""
    device = {"device_id": work.device.device_id}
    if not batch.last:
        await conn.execute(SQL["reach"], device | {"reached": batch.end})
        return
    later = [at for wait in AGAIN if (at := work.applied_at + wait) > now]
    if later:
        await conn.execute(SQL["look_again"], device | {"due_at": later[0]})
    else:
        await conn.execute(SQL["done"], device)


async def reassign(conn: AsyncConnection, progress: Progress, now: Now = read_clock) -> Tally:
    """Move all that is due, whoever else is at it, too; return what this one did."""
    one, tally = ReassignRound(now), Tally()
    total = await count_due(conn, await now(conn))
    while await one.cycle(conn, tally) or await _others(conn, await now(conn)):
        progress(min(tally.seen, total), total)
    return tally


async def _others(conn: AsyncConnection, now: datetime) -> bool:
    """Wait for whoever has a device that is due; return whether there was anybody."""
    async with conn.transaction():
        cursor = await conn.execute(SQL["wait_for_others"], {"now": now})
        return await cursor.fetchone() is not None


async def looked_ahead(conn: AsyncConnection, works: Sequence[Work], progress: Progress) -> Tally:
    """Return what would be done about devices; nothing is changed, and nothing is locked."""
    tally = Tally()
    for done, work in enumerate(works, start=1):
        last, rest = False, work
        while not last:
            batch = await next_batch(conn, rest)
            tally.add(batch)
            last, rest = batch.last, replace(rest, after=batch.end)
        progress(done, len(works))
    return tally
