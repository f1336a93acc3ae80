"""Lets out of quarantine what can be used after a fix: a device was registered, a key corrected.

What came in one message is judged, stored and closed in one transaction: killed in between, it was
not touched; run twice, the second finds nothing left. Readings keep the times at which they were
measured and received. Since when they could be used is stored beside them, and by that they are
looked at as any that come late (docs/adr/0006): nobody is woken by what is over.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection

from yikao_alerts.rules import RuleSet
from yikao_alerts.store import EVALUATE
from yikao_devices import wire
from yikao_ingest.accept import (
    Accepted,
    AcceptedCall,
    AcceptedEvent,
    AcceptedReading,
    AcceptedSymptoms,
    Quarantined,
)
from yikao_ingest.directory import Directory
from yikao_ingest.pipeline import settle
from yikao_ingest.quarantine import Again, Entry, judge_again
from yikao_ingest.quarantine_store import RELEASED, SQL, close, locked, set_verdict
from yikao_ingest.reasons import Reason
from yikao_ingest.store import SQL as STORE_SQL
from yikao_ingest.store import Store

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Told how many entries are done, of how many."""
Still = tuple[Entry, Quarantined]
"""An entry that stays, and why."""


@dataclass(slots=True)
class Outcome:
    """How many entries were released, and how many had to stay for which reason."""

    released: int = 0
    stayed: Counter[Reason] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Release:
    """A release: of what is in `store`, by today's registry and rules, by whom and when."""

    store: Store
    directory: Directory
    rules: RuleSet
    by: str
    now: datetime

    def run(self, groups: Sequence[Sequence[int]], progress: Progress = lambda *_: None) -> Outcome:
        """Release what can be used, group by group, and return what became of the entries.

        groups: numbers of entries as `chosen` returns them. Refuses with `DatabaseAwayError` when
        the database goes away: what was done until then is done for good.
        """
        outcome, done, total = Outcome(), 0, sum(map(len, groups))
        for group in groups:
            progress(done, total)
            released, stayed = self._group(group)
            outcome.released += released
            outcome.stayed.update(stayed)
            done += len(group)
        progress(done, total)
        facts = {str(reason): count for reason, count in outcome.stayed.items()}
        log.info("quarantine released", extra={"released": outcome.released, "stayed": facts})
        return outcome

    def _group(self, numbers: Sequence[int]) -> tuple[int, list[Reason]]:
        """Do what there is to do about entries of one message, or nothing of it."""
        with self.store.together() as conn:
            entries = locked(conn, numbers)
            if not entries:
                return 0, []
            again = judge_again(entries, self.directory, self.rules)
            done, refused = self._keep(conn, again)
            ids = [entry.quarantine_id for entry in done]
            closed = close(conn, ids, RELEASED, self.by, self.now)
            still = (*again.still, *refused)
            self._tell(conn, still)
            return len(closed), [verdict.reason for _, verdict in still]

    def _keep(self, conn: Connection[Any], again: Again) -> tuple[list[Entry], list[Still]]:
        """Store what can be used; return the entries it was made of, and those that the database
        refused. Where it refuses every item of them, nothing is stored."""
        if again.usable is None:
            return [], []
        received_at = again.of[0].received_at
        with conn.transaction() as attempt:
            (settled,) = settle(self.store, [again.usable], received_at)
            taken = [item for item in settled.items if not isinstance(item, Quarantined)]
            if not taken and not again.of[0].whole:
                raise psycopg.Rollback(attempt)
            self._note(conn, taken, received_at)
        if again.of[0].whole:
            return [*again.of], []
        pairs = list(zip(again.of, settled.items, strict=True))
        refused = [(entry, item) for entry, item in pairs if isinstance(item, Quarantined)]
        return [entry for entry, item in pairs if not isinstance(item, Quarantined)], refused

    def _note(
        self, conn: Connection[Any], items: Sequence[Accepted], received_at: datetime
    ) -> None:
        """Store since when these could be used, and that whose they are waits since then."""
        came = {"received_at": received_at, "now": self.now}
        readings = [
            {
                **came,
                "patient_id": one.patient_id,
                "device_id": one.device_id,
                "kind": wire.kind_of(one.item),
                "time": one.item.measured_at,
                "reading_id": one.item.reading_id,
            }
            for one in items
            if isinstance(one, AcceptedReading)
        ]
        reports = [
            {**came, "reading_id": one.item.reading_id}
            for one in items
            if isinstance(one, AcceptedSymptoms | AcceptedCall)
        ]
        with conn.cursor() as cursor:
            cursor.executemany(SQL["note_reading"], readings)
            cursor.executemany(SQL["note_report"], reports)
        patients = sorted(frozenset().union(*map(_whose, items)))
        conn.execute(SQL["queued_now"], {**came, "patients": patients})

    def _tell(self, conn: Connection[Any], still: Iterable[Still]) -> None:
        """Store verdicts that are others than before; whose reading it is now is looked at."""
        changed = [(entry, verdict) for entry, verdict in still if _differs(entry, verdict)]
        for entry, verdict in changed:
            set_verdict(conn, entry.quarantine_id, verdict)
        patients = {verdict.patient_id for _, verdict in changed} - {None}
        if patients:
            values = {"patients": list(patients), "now": self.now}
            conn.execute(STORE_SQL["queue_evaluations"], values)
            conn.execute(STORE_SQL["notify"], {"channel": EVALUATE, "payload": ""})


def _whose(item: Accepted) -> frozenset[int]:
    match item:
        case AcceptedReading(patient_id) | AcceptedSymptoms(patient_id):
            return frozenset({patient_id})
        case AcceptedCall(patients):
            return patients
        case AcceptedEvent():
            return frozenset()


def _differs(entry: Entry, verdict: Quarantined) -> bool:
    """Return whether there is something new to say of an entry; other words alone are nothing."""
    known = (entry.reason, entry.patient_id, entry.measured_at)
    return known != (verdict.reason, verdict.patient_id, verdict.measured_at)
