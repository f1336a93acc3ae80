"""The server's end of the wire, by hand: an MQTT client that hears a gateway and writes receipts.

It stands where the ingest process does, on a real broker; the tests decide what it answers.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from gateway_parts import NOW
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from yikao_devices import topics, wire
from yikao_ingest.signature import decode_base64url

STORY_MAX_S = 60.0
TENANT = "t"


@dataclass(frozen=True)
class Heard:
    """A message of the gateway, with the properties beside it."""

    channel: str
    payload: bytes
    retain: bool
    properties: dict[str, str]
    content_type: str

    @property
    def message(self) -> wire.Message:
        return wire.decode_message(self.payload)

    @property
    def items(self) -> list[wire.Item]:
        return [wire.decode_item(raw) for raw in self.message.items]

    @property
    def ids(self) -> list[UUID]:
        return [item.reading_id for item in self.items]

    @property
    def message_id(self) -> str:
        return self.properties[topics.PROPERTY_MESSAGE_ID]

    def signed_by(self, public_key: bytes) -> bool:
        signature = decode_base64url(self.properties[topics.PROPERTY_SIGNATURE], 64)
        assert signature is not None
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, self.payload)
        return True


class ServerEnd:
    """Hears everything of one gateway; `settles` automatically when `answers` is set."""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.answers = False
        self.now: Callable[[], datetime] = lambda: NOW
        self.everything: list[Heard] = []
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._soon(self._ready.set)
        self._client.on_message = lambda _, __, message: self._soon(self._take, _heard(message))
        self._client.reconnect_delay_set(1, 1)

    async def connect(self, url: str) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self._client.connect(address.hostname, address.port)
        self._client.loop_start()
        await self.ready()

    async def ready(self) -> None:
        """Wait until we hear the gateway, and do not believe so for ever."""
        await self._ready.wait()

    def lost(self) -> None:
        """Say that the broker is about to go: `ready` then waits for the next connection."""
        self._ready.clear()

    async def close(self) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        # What calls us holds us, and we hold the client: cut, its sockets are closed here and now.
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None

    async def hears(self, channel: str, wanted: Callable[[Heard], bool] = lambda _: True) -> Heard:
        """Return the next message on `channel` that is wanted."""
        while True:
            heard = await self._heard.get()
            if heard.channel == channel and wanted(heard):
                return heard

    async def hears_items(self, count: int) -> list[Heard]:
        """Return the next messages with items, until there are `count` items in them."""
        messages: list[Heard] = []
        while sum(len(heard.message.items) for heard in messages) < count:
            heard = await self._heard.get()
            if heard.channel.startswith(f"{topics.READING}/") or heard.channel == topics.EVENT:
                messages.append(heard)
        return messages

    def receipts(
        self,
        stored: Iterable[UUID] = (),
        rejected: Iterable[wire.Rejection] = (),
        refused_message: str | None = None,
        code: str | None = None,
    ) -> None:
        receipt = wire.Receipt(self.now(), tuple(stored), tuple(rejected), refused_message, code)
        self.says(topics.RECEIPT, wire.encode(receipt))

    def says(self, channel: str, payload: bytes) -> None:
        self._client.publish(topics.topic(TENANT, self.gateway, channel), payload, qos=1)

    def _on_connect(self, client: Client, *_: Any) -> None:
        client.subscribe(
            [(topics.topic(TENANT, self.gateway, channel), 1) for channel in topics.FROM_GATEWAYS]
        )

    def _take(self, heard: Heard) -> None:
        self.everything.append(heard)
        self._heard.put_nowait(heard)
        if self.answers and heard.channel.startswith((topics.READING, topics.EVENT)):
            self.receipts(heard.ids)

    def _soon(self, work: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work, *arguments)


def _heard(message: MQTTMessage) -> Heard:
    origin = topics.parse_topic(message.topic)
    assert origin is not None
    return Heard(
        origin.channel,
        bytes(message.payload),
        message.retain,
        dict(getattr(message.properties, "UserProperty", [])),
        getattr(message.properties, "ContentType", ""),
    )


@asynccontextmanager
async def server_end(url: str) -> AsyncIterator[ServerEnd]:
    """A server's end for a gateway of a name of its own."""
    server = ServerEnd(f"gw-{uuid4().hex[:8]}")
    try:
        await server.connect(url)
        yield server
    finally:
        await server.close()
