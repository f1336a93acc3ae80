"""One connection's work: hand the outbox's rows to the server until its receipts have closed them.

What was just measured goes before the backlog, so that it never waits behind a month; the backlog
goes in the order of measuring.
"""

import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Raw

from yikao_devices import topics
from yikao_devices.wire import (
    UNREADABLE,
    Birth,
    Machine,
    Message,
    Receipt,
    Rejection,
    Status,
    decode_receipt,
    encode,
)
from yikao_gateway.configuration.configured import Configured
from yikao_gateway.errors import StorageFull
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.prompts import Prompts
from yikao_gateway.keys import SigningKey
from yikao_gateway.store.outbox import Outbox, Row
from yikao_gateway.uplink.flight import NEWS_AGE_MAX, Chance, Flight, Parcel, pack
from yikao_gateway.uplink.publisher import (
    Acknowledged,
    Happening,
    Opened,
    Publisher,
    Received,
    SubscriptionRefused,
)
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.timekeeper import CLOCK_UNSET

log = logging.getLogger(__name__)

LANE_MAX: Final = 500
"""Rows of news under way at once, and of the backlog at most; the next wait for receipts."""
ACKNOWLEDGE_MAX_S: Final = 30.0
"""A broker that acknowledges nothing for so long is gone, whatever TCP says."""
POLL_S: Final = 1.0
"""How often the outbox is looked at for what another process put in."""
CONTROLS_MAX: Final = 100
"""Answers and words about ourselves that wait for room; beyond it the oldest are dropped: they are
said again at the next connection."""
REFUSED_FROM: Final = 0x80
"""Reason codes from here on are refusals. Source: OASIS MQTT 5.0, section 2.4."""


def _nobody(_: datetime) -> None:
    """Have no use for the server's time."""


@dataclass(frozen=True, slots=True)
class Post:
    """Who sends, and with what; `boot` counts the gateway's starts."""

    tenant: str
    gateway: str
    boot: int
    version: str
    radio: str
    heartbeat_s: float
    key: SigningKey
    outbox: Outbox
    devices: KnownDevices
    prompts: Prompts
    now: Callable[[], datetime]
    chance: Chance
    alarms: Alarms
    told: Callable[[datetime], None] = _nobody
    """Is given the server's time, when it is no older than the connection."""
    backlog_rows: int = LANE_MAX
    configured: Configured | None = None
    """Who hears what the server wishes; None: nobody, and nothing is told of it."""
    machine: Callable[[], Machine] | None = None

    def topic(self, channel: str) -> str:
        """Return the full topic of a channel of ours."""
        return topics.topic(self.tenant, self.gateway, channel)

    def status(self, word: str) -> bytes:
        """Return the heartbeat, or as last will and farewell the word that we are gone."""
        if word == "offline":
            return encode(Status("offline", self.boot))
        return encode(Status("online", self.boot, self.now(), self.outbox.waiting_count()))

    def birth(self) -> bytes:
        """Return what the gateway is."""
        return encode(
            Birth(
                self.gateway,
                self.boot,
                self.now(),
                self.version,
                self.radio,
                self.devices.addresses(),
                machine=self.machine() if self.machine else None,
            )
        )


class Delivery:
    """Serves one open connection. at_s: real seconds of a monotonic clock."""

    def __init__(self, post: Post, publisher: Publisher, opened: Opened, at_s: float) -> None:
        self._post = post
        self._publisher = publisher
        self._packet_bytes_max = opened.packet_bytes_max
        self._flight = Flight(opened.window, post.chance)
        self._heartbeat_s = at_s
        self._channels: dict[int, str] = {}
        self._controls: deque[tuple[str, bytes]] = deque(
            [(topics.BIRTH, post.birth())], maxlen=CONTROLS_MAX
        )
        self._words: int | None = None
        if not post.outbox.has_new():
            # What the first receipt was for may have been settled while we were away.
            post.alarms.repeat(CLOCK_UNSET)

    def handle(self, happening: Happening) -> None:
        """Take note of what happened."""
        match happening:
            case Acknowledged(packet, code):
                self._acknowledge(packet, code)
            case Received(topic, payload, packet):
                self._receive(topic, payload)
                if packet is not None:
                    self._publisher.acknowledge(packet)
            case SubscriptionRefused(reason):
                log.error("broker refuses our subscription", extra={"why": reason})
                self._post.alarms.set("subscription_refused", on=True)
            case _:
                pass

    def pump(self, at_s: float) -> None:
        """Send what there is to send and room for."""
        if at_s >= self._heartbeat_s:
            self._heartbeat_s = at_s + self._post.heartbeat_s
            self._controls.append((topics.STATUS, self._post.status("online")))
        self._tell_news()
        while self._controls and self._flight.room:
            channel, payload = self._controls.popleft()
            self._send(channel, payload, (), at_s, retain=channel != topics.COMMAND_RESULT)
        if self._flight.room:
            self._send_rows(at_s)

    def wait_s(self, at_s: float) -> float:
        """Return for how long nothing is to be done unless something happens."""
        next_s = min(self._heartbeat_s, self._flight.next_due_s())
        if not self._flight.room:
            # Only the broker can make room, and it will be heard.
            return POLL_S
        return max(0.0, min(POLL_S, next_s - at_s))

    def is_dead(self, at_s: float) -> bool:
        """Return whether the broker has stopped to answer."""
        return at_s - self._flight.oldest_packet_s() > ACKNOWLEDGE_MAX_S

    def _tell_news(self) -> None:
        """Have told what changed by itself: what is in force, and what was shown in its time."""
        configured = self._post.configured
        if configured is not None and configured.words != self._words:
            self._words = configured.words
            state = configured.state(self._post.boot, self._post.version)
            self._controls.append((topics.CONFIGURATION_STATE, encode(state)))
        for result in self._post.prompts.take_answers():
            self._controls.append((topics.COMMAND_RESULT, encode(result)))

    def _send_rows(self, at_s: float) -> None:
        outbox, now = self._post.outbox, self._post.now()
        since = now - NEWS_AGE_MAX
        lanes = (
            outbox.news_ids(since, LANE_MAX),
            outbox.backlog_ids(since, self._post.backlog_rows),
        )
        self._flight.forget_all_but({name for lane in lanes for _, name in lane})
        parcels = [
            parcel
            for lane in lanes
            for parcel in pack(self._ready(lane, at_s), now, self._packet_bytes_max)
        ]
        sent: list[int] = []
        for parcel in parcels[: self._flight.room]:
            channel = topics.item_channel(parcel.kind)
            if self._send(channel, self._message(parcel), parcel.rows, at_s):
                sent += [row.seq for row in parcel.rows]
        if sent:
            # How often it was sent is told to people, and need not be: sending makes room.
            with contextlib.suppress(StorageFull):
                outbox.mark_sent(sent, now)

    def _ready(self, lane: list[tuple[int, UUID]], at_s: float) -> list[Row]:
        """Return the rows of a lane that are to be sent; mostly none, and then none is read."""
        seqs = self._flight.ready(lane, at_s)
        return self._post.outbox.rows(seqs) if seqs else []

    def _message(self, parcel: Parcel) -> bytes:
        return encode(
            Message(
                self._post.gateway,
                self._post.boot,
                self._post.now(),
                tuple(Raw(row.payload) for row in parcel.rows),
                historical=parcel.historical,
            )
        )

    def _send(
        self,
        channel: str,
        payload: bytes,
        rows: tuple[Row, ...],
        at_s: float,
        *,
        retain: bool = False,
    ) -> bool:
        """Hand a message to the broker; return False when the connection is gone."""
        sealed = self._post.key.seal(payload)
        packet = self._publisher.publish(self._post.topic(channel), sealed, retain=retain)
        if packet is None:
            return False
        self._channels[packet] = channel
        self._flight.sent(packet, sealed.message_id, rows, at_s)
        log.debug("sent", extra={"channel": channel, "items": len(rows), "packet": packet})
        return True

    def _acknowledge(self, packet: int, code: int) -> None:
        self._flight.acknowledged(packet)
        channel = self._channels.pop(packet, "")
        refused = code >= REFUSED_FROM
        configured = self._post.configured
        if configured is not None and channel == topics.CONFIGURATION_STATE and not refused:
            configured.acknowledged()
        if refused:
            log.error("broker refuses a message", extra={"channel": channel, "code": code})
        self._post.alarms.set("publish_refused", on=refused, about=channel)

    def _receive(self, topic: str, payload: bytes) -> None:
        if topic == self._post.topic(topics.RECEIPT):
            self._settle(payload)
        elif topic == self._post.topic(topics.COMMAND):
            result = self._post.prompts.receive(payload)
            if result is not None:
                self._controls.append((topics.COMMAND_RESULT, encode(result)))
        elif topic == self._post.topic(topics.CONFIGURATION) and self._post.configured:
            self._post.configured.receive(payload)

    def _settle(self, payload: bytes) -> None:
        """Close what the server has. A receipt we cannot read settles nothing: we send again."""
        try:
            receipt = decode_receipt(payload)
        except UNREADABLE as error:
            log.warning("receipt unreadable", extra={"why": str(error)})
            return
        counted = {"stored": len(receipt.stored), "rejected": len(receipt.rejected)}
        log.debug("receipt", extra=counted)
        named = [*receipt.stored, *(each.reading_id for each in receipt.rejected)]
        if self._flight.is_answer(named):
            self._post.told(receipt.t)
        self._flight.settled(named)
        rejected = [*receipt.rejected, *self._refused(receipt)]
        self._post.outbox.settle(receipt.stored, rejected, self._post.now())
        for each in rejected:
            log.warning(
                "server refuses an item",
                extra={"reading_id": str(each.reading_id), "code": each.code},
            )

    def _refused(self, receipt: Receipt) -> list[Rejection]:
        """Return the items of a message that could not be read, but for those told by name."""
        if receipt.refused_message is None:
            return []
        ids = self._flight.of_message(receipt.refused_message)
        self._flight.settled(ids)
        return [Rejection(each, receipt.code or "message_refused") for each in ids]
