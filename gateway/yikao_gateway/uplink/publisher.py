"""One connection to the broker, MQTT 5. Only this file knows paho.

Paho's threads do nothing but hand over what happens; the loop decides. The client is made anew for
each connection, because paho keeps unacknowledged messages in memory and the outbox is the queue.

Source: OASIS MQTT 5.0, sections 3.1 (CONNECT), 3.3 (PUBLISH), 3.14 (DISCONNECT).
"""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from yikao_devices.topics import PROPERTY_KEY_ID, PROPERTY_MESSAGE_ID, PROPERTY_SIGNATURE
from yikao_devices.wire import CONTENT_TYPE
from yikao_gateway.errors import BrokerUnreachable
from yikao_gateway.keys import Sealed

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 10.0
KEEPALIVE_S: Final = 60
TCP_IDLE_S: Final = 30
TCP_INTERVAL_S: Final = 10
TCP_PROBES: Final = 3
"""A line that died without a word, a router switched off, is known within a minute; and the probes
keep a home router from forgetting it."""
SESSION_EXPIRY_S: Final = 86_400
"""How long the broker keeps receipts for a gateway that is away; later ones are asked for again by
sending again."""
RECEIVE_MAXIMUM: Final = 100
"""Receipts and commands the broker may send ahead."""
IN_FLIGHT_MAX: Final = 20
"""Messages without the broker's acknowledgement; less where the broker asks for less."""
PACKET_BYTES_MAX: Final = 268_435_455
"""MQTT's own limit, where the broker names none."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to get in; the password stands in a file."""

    host: str
    port: int
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The broker took us; `window` messages may be under way, each of up to `packet_bytes_max`."""

    window: int
    packet_bytes_max: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is over, or never was; the last that happens on it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker's word on a message: 0x80 and above is a refusal."""

    packet: int
    code: int


@dataclass(frozen=True, slots=True)
class SubscriptionRefused:
    """We shall not hear what we asked to hear."""

    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message to us. `packet` is to be acknowledged once it was dealt with: not acknowledged it
    comes again at the next connection. None: it comes once at most."""

    topic: str
    payload: bytes
    packet: int | None = None


Happening = Opened | Closed | Acknowledged | SubscriptionRefused | Received


@dataclass(frozen=True, slots=True)
class Presence:
    """Who connects: its client id, what it listens to, and the word left behind if it dies.

    session_expiry_s: how long the broker keeps what comes for us while we are away.
    """

    client_id: str
    subscriptions: Sequence[str]
    will_topic: str = ""
    will: Sealed | None = None
    session_expiry_s: int = SESSION_EXPIRY_S


@dataclass(slots=True)
class _Listener:
    """What paho calls, in a thread of its own: it tells, and never does.

    It holds neither client nor publisher, and nobody holds it but them: with the last who uses a
    connection its sockets are closed at once, and not when the collector comes by.
    """

    loop: asyncio.AbstractEventLoop
    subscriptions: Sequence[str]
    on_happening: Callable[[Happening], None]
    refusal: str = ""
    closing: bool = False

    def tell(self, happening: Happening) -> None:
        try:
            self.loop.call_soon_threadsafe(self.on_happening, happening)
        except RuntimeError:
            log.debug("the loop has ended before the connection")

    def on_connect(self, client: Any, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.refusal = f"the broker refuses us: {reason}"
            return
        if self.closing:
            # Closed while it was being opened: left alone it would take our session over.
            client.disconnect()
            return
        options = SubscribeOptions(qos=1)
        client.subscribe([(topic, options) for topic in self.subscriptions])
        window = getattr(properties, "ReceiveMaximum", IN_FLIGHT_MAX)
        packet_max = getattr(properties, "MaximumPacketSize", PACKET_BYTES_MAX)
        self.tell(Opened(min(window, IN_FLIGHT_MAX), packet_max))

    def on_subscribe(self, client: Any, _: Any, mid: int, codes: Any, properties: Any) -> None:
        if refused := [str(code) for code in codes if code.is_failure]:
            self.tell(SubscriptionRefused(", ".join(refused)))

    def on_publish(self, client: Any, _: Any, mid: int, reason: Any, properties: Any) -> None:
        self.tell(Acknowledged(mid, reason.value))

    def on_message(self, client: Any, _: Any, message: mqtt.MQTTMessage) -> None:
        packet = message.mid if message.qos else None
        self.tell(Received(message.topic, bytes(message.payload), packet))

    def on_disconnect(self, client: Any, _: Any, flags: Any, reason: Any, props: Any) -> None:
        self.tell(Closed(self.refusal or str(reason)))


class Publisher:
    """A connection; `open` it, `publish`, `close`. What happens is told in the loop's thread."""

    def __init__(
        self, broker: Broker, presence: Presence, on_happening: Callable[[Happening], None]
    ) -> None:
        """Prepare in a running loop. Raises `BrokerUnreachable` when the settings cannot work."""
        self._broker = broker
        self._presence = presence
        loop = asyncio.get_running_loop()
        self._listener = _Listener(loop, presence.subscriptions, on_happening)
        self._client = self._build()
        self._thread = threading.Thread(target=self._connect, name="mqtt-connect", daemon=True)

    def open(self) -> None:
        """Begin to connect; `Opened` or `Closed` follows."""
        self._thread.start()

    def publish(self, topic: str, sealed: Sealed, *, retain: bool = False) -> int | None:
        """Send a message at least once; return its number, or None when there is no connection."""
        info = self._client.publish(
            topic,
            sealed.payload,
            qos=1,
            retain=retain,
            properties=_properties(PacketTypes.PUBLISH, sealed),
        )
        return info.mid if info.rc == mqtt.MQTT_ERR_SUCCESS else None

    def acknowledge(self, packet: int) -> None:
        """Tell the broker that a message to us was dealt with."""
        self._client.ack(packet, qos=1)

    def close(self) -> None:
        """Take leave of the broker, which then drops the will; `Closed` follows."""
        self._listener.closing = True
        self._client.disconnect()

    def _build(self) -> mqtt.Client:
        listener = self._listener
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._presence.client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages_set(IN_FLIGHT_MAX)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.suppress_exceptions = True
        client.on_socket_open = _tune
        client.on_connect = listener.on_connect
        client.on_subscribe = listener.on_subscribe
        client.on_publish = listener.on_publish
        client.on_message = listener.on_message
        client.on_disconnect = listener.on_disconnect
        if (will := self._presence.will) is not None:
            client.will_set(
                self._presence.will_topic,
                will.payload,
                qos=1,
                retain=True,
                properties=_properties(PacketTypes.WILLMESSAGE, will),
            )
        try:
            self._secure(client)
        except (OSError, ValueError) as error:
            raise BrokerUnreachable(f"the broker's settings cannot be used: {error}") from error
        return client

    def _secure(self, client: mqtt.Client) -> None:
        broker = self._broker
        if broker.tls:
            client.tls_set(
                ca_certs=_text(broker.ca_file),
                certfile=_text(broker.cert_file),
                keyfile=_text(broker.key_file),
                cert_reqs=ssl.CERT_REQUIRED,
            )
        if broker.username is not None:
            file = broker.password_file
            password = None if file is None else file.read_text("utf-8").strip()
            client.username_pw_set(broker.username, password)

    def _connect(self) -> None:
        """Connect, in a thread of its own."""
        try:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = self._presence.session_expiry_s
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            self._client.connect(
                self._broker.host,
                self._broker.port,
                KEEPALIVE_S,
                clean_start=False,
                properties=properties,
            )
            self._client.loop_start()
        except Exception as error:  # whatever ends this thread, the loop must hear of it
            self._listener.tell(Closed(str(error) or type(error).__name__))


def _properties(packet_type: int, sealed: Sealed) -> Properties:
    properties = Properties(packet_type)  # type: ignore[no-untyped-call]
    properties.ContentType = CONTENT_TYPE
    properties.UserProperty = [
        (PROPERTY_KEY_ID, sealed.key_id),
        (PROPERTY_SIGNATURE, sealed.signature),
        (PROPERTY_MESSAGE_ID, sealed.message_id),
    ]
    return properties


def _tune(client: Any, _: Any, line: Any) -> None:
    """Send each message at once, and have the kernel see whether the other end is still there."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, TCP_IDLE_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, TCP_INTERVAL_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, TCP_PROBES)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
