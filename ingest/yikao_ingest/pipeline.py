"""The ingest process: from the broker's message to the committed row, the receipt, and the ack.

In this order and no other: judge, store, commit, receipt, acknowledge. A process killed between
two steps does the later ones again after its start; killed before the commit it has told nobody.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import msgspec

from yikao_alerts.rules import RuleSet
from yikao_devices import topics, wire
from yikao_devices.story_clock import Clock
from yikao_ingest.accept import Incoming, Judged, Quarantined, judge, receipt
from yikao_ingest.directory import Directory
from yikao_ingest.reasons import Reason
from yikao_ingest.store import DatabaseAwayError, DataRefusedError, Store
from yikao_ingest.subscriber import Delivery, Subscriber

log = logging.getLogger(__name__)

BATCH_MAX: Final = 500
LINGER_S: Final = 0.01
IDLE_S: Final = 0.2
"""Longest wait for a message before commands and the registry are looked at."""
RETRY_S: Final = 0.2
STANDBY_S: Final = 0.5
REGISTRY_CHECK_S: Final = 1.0
_UNREGISTERED: Final = frozenset(
    {Reason.UNKNOWN_GATEWAY, Reason.UNKNOWN_DEVICE, Reason.NO_BINDING, Reason.BAD_SIGNATURE}
)


@dataclass(slots=True)
class Pipeline:
    """One active ingest; `run` ends when `stop` is set."""

    dsn: str
    subscriber: Subscriber
    rules: RuleSet
    clock: Clock
    stop: threading.Event
    _store: Store | None = None
    _listening: bool = False
    _directory: Directory = field(default_factory=Directory)
    _registry_version: str = ""
    _registry_checked_s: float = 0.0

    def run(self) -> None:
        """Serve until stopped; the database may go and come."""
        while not self.stop.is_set():
            try:
                self._open()
                self._round()
            except DatabaseAwayError as error:
                log.warning("database away", extra={"error": str(error)})
                self._drop_store()
                self.stop.wait(RETRY_S)
        self._listen(False)
        self._drop_store()

    def _open(self) -> None:
        """Have a connection that holds the lock of the one active ingest, and listen."""
        if self._store is not None:
            return
        store = Store(self.dsn)
        while not store.take_lock():
            # Only the active one may use the MQTT session: a second would throw it out.
            self._listen(False)
            log.info("standing by: another ingest is active")
            if self.stop.wait(STANDBY_S):
                store.close()
                raise DatabaseAwayError("stopped while standing by")
        self._store = store
        self._refresh(force=True)
        self._listen(True)

    def _listen(self, wanted: bool) -> None:
        if wanted and not self._listening:
            self.subscriber.start()
        elif self._listening and not wanted:
            self.subscriber.stop()
        self._listening = wanted

    def _round(self) -> None:
        store = self._open_store()
        batch = self.subscriber.take(BATCH_MAX, IDLE_S, LINGER_S)
        now = self.clock.at(store.read_clock())
        items = [delivery for delivery in batch if _is_item(delivery.incoming)]
        for delivery in batch:
            if not _is_item(delivery.incoming):
                self._news(delivery.incoming, now)
        if items:
            self._store_until_done(items, now)
        self.subscriber.acknowledge(batch)
        self._send_commands(now)
        self._refresh()

    def _store_until_done(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Store a batch and send its receipts; the database being away is waited out."""
        judged = self._judge([delivery.incoming for delivery in deliveries], now)
        while True:
            try:
                stored = _settle(self._open_store(), judged, now)
                break
            except DatabaseAwayError as error:
                log.warning("database away, batch kept", extra={"error": str(error)})
                self._drop_store()
                while self._store is None and not self.stop.wait(RETRY_S):
                    self._try_open()
                if self._store is None:
                    raise
        self._send_receipts(stored, now)
        log.info("batch stored", extra={"messages": len(deliveries)})

    def _judge(self, messages: Sequence[Incoming], now: datetime) -> list[Judged]:
        """Judge messages, again with a fresh registry when something in them is not known."""
        judged = [judge(message, self._directory, self.rules, now) for message in messages]
        if any(_unregistered(one) for one in judged) and self._refresh(force=True):
            judged = [judge(message, self._directory, self.rules, now) for message in messages]
        return judged

    def _send_receipts(self, stored: Sequence[Judged], now: datetime) -> None:
        for one in stored:
            word = receipt(one, now)
            if word is not None and one.origin is not None:
                address = topics.topic(one.origin.tenant, one.origin.gateway, topics.RECEIPT)
                self.subscriber.publish(address, wire.encode(word))

    def _send_commands(self, now: datetime) -> None:
        """Send what is to be shown at home; one that cannot be sent now is sent next time."""
        store = self._open_store()
        for row in store.execute("unsent_commands", {"now": now}):
            command_id, tenant, gateway, device, do, text_zh, text_en, expires_at = row
            command = wire.Command(command_id, do, device, text_zh, text_en, expires_at)
            address = topics.topic(tenant, gateway, topics.COMMAND)
            lifetime_s = self.clock.real_seconds(expires_at - now)
            if self.subscriber.publish(address, wire.encode(command), lifetime_s):
                store.execute("command_sent", {"command_id": command_id, "now": now})

    def _news(self, incoming: Incoming, now: datetime) -> None:
        """Keep what a gateway says of itself; what cannot be read is only logged: it is no data."""
        origin = topics.parse_topic(incoming.topic)
        if origin is None or not incoming.payload:
            return
        values = {"gateway_id": origin.gateway, "now": now}
        try:
            match origin.channel:
                case topics.BIRTH:
                    birth = wire.decode_birth(incoming.payload)
                    values |= {"boot": birth.boot, "version": birth.version}
                    self._open_store().execute("gateway_birth", values)
                case topics.STATUS:
                    status = wire.decode_status(incoming.payload)
                    values |= {
                        "boot": status.boot,
                        "online": status.s == "online",
                        "waiting": status.waiting,
                    }
                    self._open_store().execute("gateway_status", values)
                case topics.COMMAND_RESULT:
                    result = wire.decode_command_result(incoming.payload)
                    values |= {"command_id": result.command_id, "outcome": result.outcome}
                    self._open_store().execute("command_result", values)
        except (msgspec.DecodeError, DataRefusedError):
            log.warning("gateway's word unreadable", extra={"channel": origin.channel})

    def _refresh(self, *, force: bool = False) -> bool:
        """Read the registry again when it has changed; return whether it was read."""
        if not force and time.monotonic() - self._registry_checked_s < REGISTRY_CHECK_S:
            return False
        store = self._open_store()
        self._registry_checked_s = time.monotonic()
        version = store.registry_version()
        if version == self._registry_version:
            return False
        self._directory = store.directory()
        self._registry_version = version
        return True

    def _open_store(self) -> Store:
        if self._store is None:
            raise DatabaseAwayError("not connected")
        return self._store

    def _try_open(self) -> None:
        try:
            self._open()
        except DatabaseAwayError:
            self._drop_store()

    def _drop_store(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = None


def _is_item(incoming: Incoming) -> bool:
    """Return whether a message carries items, or claims to; the rest is talk about gateways."""
    origin = topics.parse_topic(incoming.topic)
    talk = (topics.BIRTH, topics.STATUS, topics.COMMAND_RESULT)
    return origin is None or origin.channel not in talk


def _unregistered(judged: Judged) -> bool:
    return any(
        isinstance(item, Quarantined) and item.reason in _UNREGISTERED for item in judged.items
    )


def _settle(store: Store, batch: Sequence[Judged], now: datetime) -> list[Judged]:
    """Store a batch and return what was stored: when the database refuses it, in halves.

    What it refuses alone goes to quarantine with its bytes, and the rest lands.
    """
    try:
        store.save(batch, now)
        return list(batch)
    except DataRefusedError as error:
        if len(batch) > 1:
            half = len(batch) // 2
            return _settle(store, batch[:half], now) + _settle(store, batch[half:], now)
        judged = batch[0]
        if len(judged.items) > 1:
            parts = [replace(judged, items=(item,)) for item in judged.items]
            return _settle(store, parts, now)
        refused = replace(judged, items=(_refused(judged, str(error)),))
        store.save([refused], now)
        return [refused]


def _refused(judged: Judged, detail: str) -> Quarantined:
    (item,) = judged.items
    if isinstance(item, Quarantined):
        return replace(item, reason=Reason.DATABASE_REFUSED, reading_id=None, patient_id=None)
    payload = wire.encode_item(item.item)
    return Quarantined(Reason.DATABASE_REFUSED, detail, payload, item.item.reading_id)
