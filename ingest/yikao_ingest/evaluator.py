"""The evaluator: takes residents with something new, decides, and stores all that follows at once.

One resident, one transaction: queue entry, decision record, episodes, pages. Killed in between, it
has done nothing; killed after, nothing is left to do. Several evaluators may run side by side.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from psycopg import AsyncConnection, InterfaceError, OperationalError

from yikao_alerts import store
from yikao_alerts.clock import Now, read_clock
from yikao_alerts.deliberate import asks, look_again_at, pages_due
from yikao_alerts.episodes import ACTIVE, Change, Episode, Known, changes, identity
from yikao_alerts.escalation import load_policies
from yikao_alerts.evaluate import Evaluation, evaluate
from yikao_alerts.history import LOOK_BACK, History
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import CHANGED, COMMANDS, PAGES, Linking
from yikao_alerts.version import code_version
from yikao_alerts.working import work

log = logging.getLogger(__name__)


ASIDE: Final = timedelta(minutes=1)
"""A resident whose look failed is looked at again after this; nobody else waits for it."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Decides by `rules`; pages carry links made by `linking`."""

    rules: RuleSet
    linking: Linking
    now: Now = read_clock

    async def run(self, dsn: str, stop: asyncio.Event) -> None:
        """Work until stopped."""
        await work(dsn, store.EVALUATE, self.cycle, asyncio.Event(), stop)

    async def cycle(self, conn: AsyncConnection) -> bool:
        """Look at one resident; return whether there was one."""
        async with conn.transaction():
            patient_id = await store.claim_patient(conn, await self.now(conn))
            if patient_id is None:
                return False
            try:
                async with conn.transaction():
                    # Not before the claim: whoever looked last may have looked since.
                    await self._look(conn, patient_id, await self.now(conn))
            except (OperationalError, InterfaceError):
                raise
            except Exception:  # one resident's fault must not silence all others' alarms
                log.exception("resident set aside", extra={"patient_id": patient_id})
                again_at = await self.now(conn) + ASIDE
                await store.set_timer(conn, patient_id, again_at)
            return True

    async def _look(self, conn: AsyncConnection, patient_id: int, now: datetime) -> None:
        history = await store.load_history(conn, patient_id, now)
        known = await store.load_known(conn, patient_id, now)
        evaluation = _recent(evaluate(history, self.rules, now), history)
        done = changes(evaluation, known, history, self.rules)
        stored: dict[str, Episode] = dict(known.episodes)
        for change in done:
            change = _numbered(change, stored)
            stored[change.episode.family] = await store.save_change(conn, patient_id, change, now)
        if _worth_keeping(evaluation, known):
            decision = await store.save_decision(
                conn, patient_id, evaluation, history, code_version()
            )
            await store.save_findings(conn, patient_id, decision, evaluation, history, stored)
        await self._follow(conn, patient_id, evaluation, done, history, stored)
        if done:
            log.info("episode changed", extra={"events": [str(c.event) for c in done]})

    async def _follow(
        self,
        conn: AsyncConnection,
        patient_id: int,
        evaluation: Evaluation,
        done: list[Change],
        history: History,
        stored: dict[str, Episode],
    ) -> None:
        """Store the pages, the questions and the timer that follow from the decision."""
        now = evaluation.now
        care = await store.load_care(conn, patient_id)
        late = {f.family: f.late for f in evaluation.findings if f.family}
        active = [episode for episode in stored.values() if episode.state in ACTIVE]
        following = []
        for episode in active:
            existing = await store.load_pages(conn, episode)
            pages, next_at = pages_due(
                episode,
                load_policies(),
                care,
                existing,
                now,
                late=late.get(episode.family, False),
            )
            await store.save_pages(conn, pages, self.linking, now)
            following.append(next_at)
            if pages:
                await store.notify(conn, PAGES)
        wanted = asks(evaluation, done, history, self.rules)
        if wanted:
            await store.save_asks(conn, patient_id, wanted, now)
            await store.notify(conn, COMMANDS)
        again = look_again_at(evaluation, active, following)
        if again is not None:
            await store.set_timer(conn, patient_id, again)
        for change in done:
            await store.notify(conn, CHANGED, f"episode:{stored[change.episode.family].episode_id}")


def _recent(evaluation: Evaluation, history: History) -> Evaluation:
    """Return what rests on something that arrived within the look-back window.

    What came before had its effect then, and is looked at only beside what came after it.
    """
    since = evaluation.now - LOOK_BACK
    fresh = {m.key for m in history.measurements if m.received_at > since}
    fresh |= {s.key for s in history.symptoms if s.received_at > since}
    return replace(
        evaluation,
        findings=tuple(f for f in evaluation.findings if fresh.intersection(f.inputs)),
        refusals=tuple(r for r in evaluation.refusals if fresh.intersection(r.inputs)),
    )


def _numbered(change: Change, stored: dict[str, Episode]) -> Change:
    """Return a later change of an episode that got its number in this very transaction."""
    before = stored.get(change.episode.family)
    if change.episode.episode_id or before is None or before.state not in ACTIVE:
        return change
    return replace(change, episode=replace(change.episode, episode_id=before.episode_id))


def _worth_keeping(evaluation: Evaluation, known: Known) -> bool:
    """Return whether anything was decided that is not in an earlier record."""
    new = any(identity(finding) not in known.findings for finding in evaluation.findings)
    return new or bool(evaluation.refusals)
