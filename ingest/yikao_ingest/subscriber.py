"""The server's ear on MQTT: takes messages as fast as they can be stored, and no faster.

A message is acknowledged by hand, after its content is in the database. What is not acknowledged
comes again after the next connection, so each connection has a number, and a message of an older
connection is never acknowledged on a newer one, where its number may mean another message.

Only this file, `packet_client.py`, the watchdog's `publisher.py` and `check_broker.py` know paho.
Its callbacks run in its own thread and only queue.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from yikao_devices import topics
from yikao_ingest.accept import Incoming
from yikao_ingest.errors import ServerError
from yikao_ingest.packet_client import PacketClient
from yikao_ingest.publish_packet import Packet, write_puback, write_publish
from yikao_ingest.settings import INGEST_SHARE, broker_address

log = logging.getLogger(__name__)

RECEIVE_MAXIMUM: Final = 500
"""Messages the broker may send ahead of our acknowledgements."""
SESSION_EXPIRY_S: Final = 86_400
QUEUE_MAX: Final = 5_000
"""Some brokers ignore the Receive Maximum: beyond this the socket is not read, and TCP pushes
back."""
PUSH_BACK_S: Final = 0.005
KEEPALIVE_S: Final = 60
RECONNECT_FIRST_S: Final = 1
RECONNECT_MAX_S: Final = 2
CLIENT_ID: Final = "yikao-ingest"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and how to acknowledge it; `again`: it had come before, unacknowledged."""

    incoming: Incoming
    mid: int
    qos: int
    generation: int
    again: bool = False


class Subscriber:
    """Connection to the broker; `take` from one thread, all else from another.

    url: `mqtt://HOST:PORT`, on loopback or a network of the servers' own: gateways come in by TLS
    on another port of the broker. Refuses any other kind with `ServerError`.

    shared: one of several that share the messages, under this name. Its session ends with its
    connection: what it had not acknowledged is lost to the others, and comes again from the homes.
    A session that outlived it would go on taking its part of the messages, for nobody.
    """

    def __init__(
        self, url: str, on_subscribed: Callable[[], None] | None = None, shared: str | None = None
    ) -> None:
        self._host, self._port = broker_address(url)
        if shared is not None and not set(shared).isdisjoint("/+#"):
            raise ServerError(f"{INGEST_SHARE}={shared}", "use a name without / + and #")
        self._on_subscribed = on_subscribed
        self._shared = shared
        self._queue: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._generation = 0
        self._stopping = threading.Event()
        self.subscribed = threading.Event()
        self._client = PacketClient(
            CallbackAPIVersion.VERSION2,
            client_id=CLIENT_ID if shared is None else f"{CLIENT_ID}-{uuid4()}",
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        self._client.heard = self._on_packet
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect
        self._client.reconnect_delay_set(RECONNECT_FIRST_S, RECONNECT_MAX_S)

    def start(self) -> None:
        """Connect in the background and stay connected."""
        self._stopping.clear()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own
        properties.SessionExpiryInterval = SESSION_EXPIRY_S if self._shared is None else 0
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self._client.connect_async(
            self._host,
            self._port,
            keepalive=KEEPALIVE_S,
            clean_start=self._shared is not None,
            properties=properties,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; what was not acknowledged comes again next time."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, most: int, most_bytes: int, wait_s: float, linger_s: float) -> list[Delivery]:
        """Return up to `most` messages: waits `wait_s` for a first, then `linger_s` for more.

        The one that reaches `most_bytes` is the last.
        """
        batch: list[Delivery] = []
        size = 0
        until = time.monotonic() + wait_s
        while len(batch) < most and size < most_bytes:
            try:
                delivery = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if delivery.generation == self._generation:
                if not batch:
                    until = time.monotonic() + linger_s
                batch.append(delivery)
                size += len(delivery.incoming.payload)
        return batch

    def waiting(self) -> int:
        """Return how many messages have come that nobody has taken."""
        return self._queue.qsize()

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these are stored, as far as they came over this connection."""
        here = [one for one in deliveries if one.generation == self._generation and one.qos > 0]
        if here:
            self._client.send(b"".join(write_puback(one.mid) for one in here))

    def tell(self, words: Iterable[tuple[str, bytes]]) -> int:
        """Send messages, each a topic and what is said there, at most once; return how many the
        connection took."""
        packets = []
        for topic, payload in words:
            if (packet := write_publish(topic, payload)) is None:
                log.warning("no topic to publish on")
                continue
            packets.append(packet)
        return len(packets) if packets and self._client.send(b"".join(packets)) else 0

    def publish(self, topic: str, payload: bytes, *, expires_s: float | None = None) -> bool:
        """Send a message at least once; return whether the connection took it.

        Nothing is queued while there is no connection: the caller has it in the database.
        """
        if not self._client.is_connected():
            return False
        properties = None
        if expires_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
            properties.MessageExpiryInterval = max(1, int(expires_s))
        try:
            info = self._client.publish(topic, payload, qos=1, properties=properties)
        except ValueError:
            # A name from a topic at the limit of its length: nobody can be told there.
            log.warning("no topic to publish on")
            return False
        return info.rc == mqtt.MQTT_ERR_SUCCESS

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, props: Any) -> None:
        if reason.is_failure:
            log.warning("broker refuses the connection", extra={"reason": str(reason)})
            return
        self._generation += 1
        everybody = f"{topics.ROOT}/+/+"
        root = everybody if self._shared is None else f"$share/{self._shared}/{everybody}"
        options = SubscribeOptions(qos=1)
        client.subscribe([(f"{root}/{channel}", options) for channel in topics.FROM_GATEWAYS])

    def _on_subscribe(self, client: Any, data: Any, mid: int, codes: Any, props: Any) -> None:
        if any(code.is_failure for code in codes):
            log.error("broker refuses a subscription", extra={"codes": [str(c) for c in codes]})
            return
        log.info("subscribed")
        self.subscribed.set()
        if self._on_subscribed is None:
            return
        try:
            self._on_subscribed()
        except Exception:  # it would end paho's thread without a word
            log.exception("nobody could be told that ingest listens")

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, props: Any) -> None:
        self.subscribed.clear()
        log.warning("broker away", extra={"reason": str(reason)})

    def _on_packet(self, packet: Packet) -> None:
        told = packet.user
        incoming = Incoming(
            packet.topic,
            packet.payload,
            told.get(topics.PROPERTY_KEY_ID, ""),
            told.get(topics.PROPERTY_SIGNATURE, ""),
            told.get(topics.PROPERTY_MESSAGE_ID, ""),
        )
        self._keep(Delivery(incoming, packet.mid, packet.qos, self._generation, packet.again))

    def _on_message(self, client: Any, data: Any, message: mqtt.MQTTMessage) -> None:
        """Queue what only paho could read: without a readable topic, say. It will be refused."""
        incoming = Incoming("", bytes(message.payload))
        self._keep(Delivery(incoming, message.mid, message.qos, self._generation, message.dup))

    def _keep(self, delivery: Delivery) -> None:
        """Queue a message. Nothing here may raise: it would end paho's thread without a word."""
        self._queue.put(delivery)
        # Meanwhile no ping leaves either: should this last, the broker drops us and delivers again.
        while self._queue.qsize() > QUEUE_MAX and not self._stopping.is_set():
            time.sleep(PUSH_BACK_S)
