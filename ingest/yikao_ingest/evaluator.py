"""The evaluator: takes residents with something new, decides, and stores all that follows at once.

Many residents, one transaction: queue entries, decision records, episodes, pages. Killed in
between, it has done nothing; killed after, nothing is left to do. Several evaluators may run side
by side: a resident is locked by whoever looks. Each decision is about one resident alone, and a
fault in one resident's data sets that one aside and nobody else.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from psycopg import AsyncConnection, InterfaceError, OperationalError

from yikao_alerts import store
from yikao_alerts.clock import Now, read_clock
from yikao_alerts.episodes import ACTIVE, Change, Episode, changes, identity
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.findings import Finding
from yikao_alerts.identity import new_doubts
from yikao_alerts.judged import judged
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import CHANGED, Linking
from yikao_alerts.store_read import Claim, Look, claim, load
from yikao_alerts.store_write import (
    Decided,
    doubt_row,
    entry_row,
    finding_row,
    save_change,
    save_decisions,
    save_many,
    set_timers,
)
from yikao_alerts.targets import rules_for
from yikao_alerts.version import code_version
from yikao_alerts.working import wait_any, work
from yikao_ingest.daily_coverage import CoverageRound
from yikao_ingest.daily_round import DailyRound
from yikao_ingest.follow import Followed, follow
from yikao_ingest.reassign_pass import ReassignRound
from yikao_ingest.shadow import keep_rules, try_out

log = logging.getLogger(__name__)

ASIDE: Final = timedelta(minutes=1)
"""A resident whose look failed is looked at again after this; nobody else waits for it."""
WEEK: Final = "this_week"
SIDE_BY_SIDE: Final = 2
"""Batches under way in one process: while one waits for the database, the other is decided."""
BATCH: Final = 200
"""Residents in one transaction: enough that round trips cost little, few enough that no page waits
long for the others' decisions."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was decided about one resident, and what becomes of the episodes."""

    look: Look
    said: Evaluation
    changes: Sequence[Change]

    @property
    def quiet(self) -> bool:
        """Whether nothing follows: nothing was said, and no episode is there to change."""
        return self.said.quiet and not self.look.known.episodes


def opinion(look: Look, rules: RuleSet) -> Opinion:
    """Return what `rules` say about a resident, and what that changes. Pure."""
    given = look.given
    said = judged(given, rules)
    # What ends an episode may be the resident's own number: a dry weight, an oxygen limit.
    episodes = look.known.episodes
    if said.quiet and not episodes:
        return Opinion(look, said, ())
    own = rules_for(given.resident, rules, given.now.year) if episodes else rules
    return Opinion(look, said, changes(said, look.known, given.history, own))


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Decides by `rules`; pages carry links made by `linking`."""

    rules: RuleSet
    linking: Linking
    now: Now = read_clock
    batch: int = BATCH
    shadow: RuleSet | None = None
    """A set on trial: it decides beside `rules`, and nobody is told."""

    async def run(self, dsn: str, stop: asyncio.Event) -> None:
        """Work until stopped."""

        coverage = CoverageRound(self.linking.public_url)
        days = DailyRound(self.rules, self.now, coverage=coverage)
        moves = ReassignRound(self.now)

        async def look(conn: AsyncConnection) -> bool:
            return await self.cycle(conn) > 0

        async def look_and_close(conn: AsyncConnection) -> bool:
            # What just came goes first; days are closed when nobody waits.
            if await look(conn):
                return True
            try:
                # Days are made of readings: first each has to be where it belongs.
                return await moves.cycle(conn) or await days.cycle(conn)
            except (OperationalError, InterfaceError):
                raise
            except Exception:  # days that cannot be closed must not silence alarms
                log.exception("days are not closed")
                await wait_any(ASIDE.total_seconds(), stop)
                return False

        cycles = (look_and_close, *[look] * (SIDE_BY_SIDE - 1))
        await asyncio.gather(
            *(work(dsn, store.EVALUATE, cycle, asyncio.Event(), stop) for cycle in cycles)
        )

    async def cycle(self, conn: AsyncConnection) -> int:
        """Look at a batch of those who wait; return how many that were."""
        async with conn.transaction():
            claimed = await claim(conn, self.now, self.batch)
            if claimed.patients:
                await keep_rules(conn, self.rules, claimed.now)
                aside = await self._all_or_each(conn, claimed)
                await set_timers(conn, dict.fromkeys(aside, claimed.now + ASIDE))
            return len(claimed.patients)

    async def _all_or_each(self, conn: AsyncConnection, claimed: Claim) -> list[int]:
        """Look at everybody together; where the database refuses that, at one after the other.

        Returns who has to be set aside.
        """
        try:
            async with conn.transaction():
                return await self._look(conn, claimed.patients, claimed.now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # one resident's fault must not silence all others' alarms
            if len(claimed.patients) == 1:
                log.exception("resident set aside", extra={"patient_id": claimed.patients[0]})
                return list(claimed.patients)
        log.warning("a batch is looked at one by one", extra={"residents": len(claimed.patients)})
        aside: list[int] = []
        for patient_id in claimed.patients:
            aside += await self._all_or_each(conn, Claim((patient_id,), claimed.now))
        return aside

    async def _look(
        self, conn: AsyncConnection, patients: Sequence[int], now: datetime
    ) -> list[int]:
        """Decide about residents and store all that follows; return who could not be decided."""
        loaded = await load(conn, patients, self.rules, now)
        opinions, aside = [], []
        for patient_id in patients:
            try:
                opinions.append(opinion(loaded.look(patient_id), self.rules))
            except Exception:  # as above: whatever is wrong with one is wrong with one
                log.exception("resident set aside", extra={"patient_id": patient_id})
                aside.append(patient_id)
        if opinions:
            await self._store(conn, opinions, now)
        return aside

    async def _store(
        self, conn: AsyncConnection, opinions: Sequence[Opinion], now: datetime
    ) -> None:
        decided = [Decided(o.look.given, o.said, o.look.head) for o in opinions]
        numbers = await save_decisions(conn, decided, code_version())
        telling = [(n, o) for n, o in zip(numbers, opinions, strict=True) if not o.quiet]
        followed, findings = [], []
        for number, each in telling:
            stored = await _save_changes(conn, each, now)
            # What was said twice stands in the episode that it joined.
            joined = {
                identity(change.cause): change.episode.family
                for change in each.changes
                if isinstance(change.cause, Finding)
            }
            findings += [
                finding_row(
                    each.look.given,
                    finding,
                    number,
                    stored.get(joined.get(identity(finding), finding.family or "")),
                )
                for finding in each.said.findings
            ]
            active = [episode for episode in stored.values() if episode.state in ACTIVE]
            followed.append(Followed(each.look.given, each.said, each.changes, active))
        await save_many(conn, "insert_finding", findings)
        await self._for_later(conn, telling)
        await follow(conn, followed, self.rules, self.linking, now)
        if self.shadow is not None:
            await try_out(conn, [each.look for each in opinions], self.shadow)

    async def _for_later(
        self, conn: AsyncConnection, telling: Sequence[tuple[int, Opinion]]
    ) -> None:
        """Store what pages nobody: entries for the week, and readings that may be another's."""
        entries, doubts = [], []
        for number, each in telling:
            new = [f for f in each.said.findings if identity(f) not in each.look.known.findings]
            entries += [entry_row(each.look, f, number) for f in new if f.severity == WEEK]
            patient_id, now = each.look.given.patient_id, each.look.given.now
            doubts += [doubt_row(patient_id, d) for d in new_doubts(new, {}, self.rules, now)]
        await save_many(conn, "insert_entry", entries)
        await save_many(conn, "insert_doubt", doubts)


async def _save_changes(conn: AsyncConnection, each: Opinion, now: datetime) -> dict[str, Episode]:
    """Store what becomes of a resident's episodes; return them all by family."""
    patient_id = each.look.given.patient_id
    stored: dict[str, Episode] = dict(each.look.known.episodes)
    for change in each.changes:
        numbered = _numbered(change, stored)
        stored[change.episode.family] = await save_change(conn, patient_id, numbered, now)
    for change in each.changes:
        number = stored[change.episode.family].episode_id
        await store.notify(conn, CHANGED, f"episode:{number}")
    if each.changes:
        log.info("episode changed", extra={"events": [str(c.event) for c in each.changes]})
    return stored


def _numbered(change: Change, stored: dict[str, Episode]) -> Change:
    """Return a later change of an episode that got its number in this very transaction."""
    before = stored.get(change.episode.family)
    if change.episode.episode_id or before is None or before.state not in ACTIVE:
        return change
    return replace(change, episode=replace(change.episode, episode_id=before.episode_id))
