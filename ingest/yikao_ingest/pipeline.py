"""The ingest process: from the broker's message to the committed row, the receipt, and the ack.

In this order and no other: judge, store, commit, receipt, acknowledge. A process killed between
two steps does the later ones again after its start; killed before the commit it has told nobody.
While one batch is stored the next is judged (`ahead.py`).
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from yikao_alerts.rules import RuleSet
from yikao_devices import topics, wire
from yikao_devices.story_clock import Clock
from yikao_ingest.accept import (
    UNREADABLE,
    Incoming,
    Judged,
    Quarantined,
    identify,
    judge,
)
from yikao_ingest.ahead import Ahead, Batch, View
from yikao_ingest.gateways.commands import send_commands
from yikao_ingest.gateways.wishes import Wishes
from yikao_ingest.gateways.words import TALK, word
from yikao_ingest.metrics import DATABASE, IngestMetrics
from yikao_ingest.reasons import Reason
from yikao_ingest.receipts import receipts
from yikao_ingest.staging import Sheet, sheet_of
from yikao_ingest.store import DatabaseAwayError, DataRefusedError, Store
from yikao_ingest.subscriber import Delivery, Subscriber

log = logging.getLogger(__name__)

BATCH_MAX: Final = 500
"""Messages in one transaction; the broker sends no more ahead of our acknowledgements."""
BATCH_BYTES: Final = 1_000_000
"""Some 2,500 readings: a backlog comes in several batches, of which one is judged while another is
stored, and larger ones cost the database as much for each reading."""
FIRST_BYTES: Final = BATCH_BYTES // 4
"""For a database that has nothing to do: it gets a short batch soon, and stores that while a whole
one is judged."""
LINGER_S: Final = 0.01
IDLE_S: Final = 0.2
"""Longest wait for a message before commands are looked at."""
RETRY_S: Final = 0.2
"""Pause before the database is tried again."""
STAND_BY_S: Final = 0.02
"""How often who stands by looks whether it is the active one now."""


@dataclass(slots=True)
class Pipeline:
    """One active ingest; `run` ends when `stop` is set.

    shared: not the only one, but one of several that share the messages.
    """

    dsn: str
    subscriber: Subscriber
    rules: RuleSet
    clock: Clock
    stop: threading.Event
    metrics: IngestMetrics = field(default_factory=IngestMetrics)
    shared: bool = False
    _store: Store | None = None
    _active: bool = False
    _standing_by: bool = False
    _listening: bool = False
    _view: View | None = None
    _registry_version: str = ""
    _wishes: Wishes = field(default_factory=Wishes)

    def run(self) -> None:
        """Serve until stopped; the database may go and come."""
        self.metrics.waiting(self.subscriber.waiting)
        ahead = Ahead(self._next, self.stop)
        try:
            while not self.stop.is_set():
                self._until_done(ahead.next(IDLE_S) or Batch())
        finally:
            self.stop.set()
            ahead.close()
            self._listen(False)
            self._drop_store()

    def _next(self, waited_for: bool) -> Batch | None:
        """Return what has come by now, judged; in the thread that looks ahead."""
        view = self._view
        if view is None or not self._listening:
            self.stop.wait(STAND_BY_S)
            return None
        most_bytes = FIRST_BYTES if waited_for else BATCH_BYTES
        deliveries = self.subscriber.take(BATCH_MAX, most_bytes, IDLE_S, LINGER_S)
        return self._judge(deliveries, view) if deliveries else None

    def _judge(self, deliveries: Sequence[Delivery], view: View) -> Batch:
        begun, now = time.monotonic(), view.now(self.clock)
        items = (each.incoming for each in deliveries if _carries_items(each.incoming))
        judged = [judge(message, view.directory, self.rules, now) for message in items]
        sheet = sheet_of(judged)
        return Batch(deliveries, judged, sheet, view.directory, time.monotonic() - begun)

    def _until_done(self, batch: Batch) -> None:
        """Work on a batch until it is done; a database that is away is waited for.

        No batch is ever given up: unacknowledged it would fill the broker's window, and in the end
        nothing more would come. Only at a stop it is left, and comes again to whoever is next.
        """
        while not self.stop.is_set():
            try:
                store = self._open()
                if store is not None:
                    self._work(store, batch)
                    return
            except DatabaseAwayError as error:
                log.warning("database away", extra={"error": str(error)})
                self._drop_store()
            self.stop.wait(STAND_BY_S if self._standing_by else RETRY_S)

    def _open(self) -> Store | None:
        """Return the database of the one active ingest, listening; None while another is that.

        Of several that share, all work; the active one sends the commands besides.
        """
        if self._store is None:
            self._store = Store(self.dsn)
            self.metrics.connected(DATABASE)
        if not self._active:
            self._active = self._store.take_lock()
            self.metrics.active(self._active or self.shared)
            if not self._active and not self.shared:
                # Only the active one may use the MQTT session: a second would throw it out.
                self._listen(False)
                self._stand_by()
                return None
            self._standing_by = False
            if self._active:
                log.info("this ingest is the active one")
        self._listen(True)
        return self._store

    def _stand_by(self) -> None:
        if not self._standing_by:
            log.info("another ingest is active, standing by")
        self._standing_by = True

    def _listen(self, wanted: bool) -> None:
        if wanted and not self._listening:
            self.subscriber.start()
        elif self._listening and not wanted:
            self.subscriber.stop()
        self._listening = wanted

    def _work(self, store: Store, batch: Batch) -> None:
        """Do all that a batch asks for; it may be begun again after any step."""
        view = self._look(store)
        now = view.now(self.clock)
        if self._active:
            send_commands(store, self.subscriber, self.clock, now)
            self._wishes.send(store, self.subscriber, now)
        for delivery in batch.deliveries:
            if not _carries_items(delivery.incoming):
                self._keep_word(store, view, delivery.incoming, now)
        if batch.judged:
            if batch.directory is not view.directory:
                batch = self._judge(batch.deliveries, view)
            begun = time.monotonic()
            stored = settle(store, batch.judged, now, batch.sheet)
            self._count(batch, time.monotonic() - begun)
            self._send_receipts(stored, now)
        self.subscriber.acknowledge(batch.deliveries)

    def _count(self, batch: Batch, commit_s: float) -> None:
        readings = sum(len(judged.items) for judged in batch.judged)
        self.metrics.batch(len(batch.judged), readings, batch.judge_s, commit_s)
        self.metrics.redelivered(sum(delivery.again for delivery in batch.deliveries))
        log.info("batch stored", extra={"messages": len(batch.judged), "readings": readings})

    def _look(self, store: Store) -> View:
        """Read the database's clock, and the registry again when it has changed."""
        version = store.registry_version()
        if self._view is None or version != self._registry_version:
            directory = store.directory()
        else:
            directory = self._view.directory
        self._registry_version = version
        self._view = View(directory, store.read_clock(), time.monotonic())
        return self._view

    def _send_receipts(self, stored: Sequence[Judged], now: datetime) -> None:
        begun = time.monotonic()
        words = [
            (topics.topic(*home, topics.RECEIPT), wire.encode(word))
            for home, word in receipts(stored, now)
        ]
        # One that is lost on the way is asked for again: by the items, which come again.
        sent = self.subscriber.tell(words)
        self.metrics.receipts(sent, len(words) - sent, time.monotonic() - begun)

    def _keep_word(self, store: Store, view: View, incoming: Incoming, now: datetime) -> None:
        """Keep what a gateway says of itself; what cannot be used is only logged: it is no data."""
        sender = identify(incoming, view.directory)
        if isinstance(sender, Quarantined):
            log.warning("gateway's word refused", extra={"reason": str(sender.reason)})
            return
        try:
            statement, values = word(sender.channel, incoming.payload)
            key = {"gateway_id": sender.gateway.gateway_id, "now": now}
            store.execute(statement, values | key)
        except (*UNREADABLE, DataRefusedError):
            log.warning("gateway's word unreadable", extra={"channel": sender.channel})

    def _drop_store(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = None
        self._active = False
        self.metrics.active(False)


def _carries_items(incoming: Incoming) -> bool:
    """Return whether a message carries items, or claims to; the rest is talk about gateways."""
    origin = topics.parse_topic(incoming.topic)
    return origin is None or origin.channel not in TALK


def settle(
    store: Store, batch: Sequence[Judged], now: datetime, sheet: Sheet | None = None
) -> list[Judged]:
    """Store a batch and return what was stored: when the database refuses it, in halves.

    What it refuses alone goes to quarantine with its bytes, and the rest lands. A message that had
    to be divided is put together again: its gateway gets one receipt for all of it.
    """
    try:
        store.save(batch, now, sheet)
        return list(batch)
    except DataRefusedError as error:
        if len(batch) > 1:
            half = len(batch) // 2
            return settle(store, batch[:half], now) + settle(store, batch[half:], now)
        judged = batch[0]
        if len(judged.items) > 1:
            half = len(judged.items) // 2
            parts = (judged.items[:half], judged.items[half:])
            settled = settle(store, [replace(judged, items=part) for part in parts], now)
            return [replace(judged, items=tuple(item for part in settled for item in part.items))]
        refused = replace(judged, items=(_refused(judged, str(error)),))
        store.save([refused], now)
        return [refused]


def _refused(judged: Judged, detail: str) -> Quarantined:
    (item,) = judged.items
    if isinstance(item, Quarantined):
        return replace(item, reason=Reason.DATABASE_REFUSED, detail=detail)
    payload = wire.encode_item(item.item)
    return Quarantined(Reason.DATABASE_REFUSED, detail, payload, item.item.reading_id)
