"""For the pipeline's tests: a home that sends until it has a receipt, and ingest to send to."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from urllib.parse import urlsplit
from uuid import UUID

from clinic import TENANT, Signer, pressure
from fix_database import DEADLINE_S
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from yikao_alerts.rules import RuleSet
from yikao_devices import topics, wire
from yikao_devices.story_clock import Clock
from yikao_ingest.accept import Incoming
from yikao_ingest.pipeline import Pipeline
from yikao_ingest.settings import BROKER_URL, DATABASE_URL, READY_FILE
from yikao_ingest.subscriber import Subscriber

RESEND_S = 1.0
WINDOW = 100
"""Readings a home has under way at once."""


class Home:
    """A gateway as the server sees it: publishes signed messages, listens for receipts."""

    def __init__(self, url: str, signer: Signer) -> None:
        self.signer = signer
        self.stored: set[UUID] = set()
        self.rejected: dict[UUID, str] = {}
        self.refused: dict[str, str] = {}
        self.commands: list[wire.Command] = []
        self.wishes: list[wire.Configuration] = []
        self._news = threading.Condition()
        self._listening = False
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=signer.gateway, protocol=MQTTv5
        )
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topics.topic(TENANT, signer.gateway, channel), 1) for channel in topics.TO_GATEWAY]
        )
        self._client.on_subscribe = lambda *_: self._heard(True)
        self._client.on_disconnect = lambda *_: self._heard(False)
        self._client.on_message = self._on_message
        # Else each reading after a receipt waits 40 ms for the broker's TCP.
        self._client.on_socket_open = lambda client, data, connection: connection.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(address.hostname, address.port, clean_start=False)
        self._client.loop_start()
        self.until(lambda: self._listening)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, listening: bool) -> None:
        with self._news:
            self._listening = listening
            self._news.notify_all()

    def _on_message(self, client: Client, data: object, message: MQTTMessage) -> None:
        with self._news:
            if message.topic.endswith(topics.RECEIPT):
                told = wire.decode_receipt(message.payload)
                self.stored |= set(told.stored)
                self.rejected |= {r.reading_id: r.code for r in told.rejected}
                if told.refused_message is not None:
                    self.refused[told.refused_message] = str(told.code)
            elif message.topic.endswith(topics.CONFIGURATION):
                self.wishes.append(wire.decode_configuration(message.payload))
            else:
                self.commands.append(wire.decode_command(message.payload))
            self._news.notify_all()

    def until(self, condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
        """Wait for something that a receipt, a command or the connection brings about."""
        with self._news:
            assert self._news.wait_for(condition, deadline_s), f"not within {deadline_s} s"

    def publish(self, message: Incoming) -> Incoming:
        """Hand a message to the broker, once."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = [
            (topics.PROPERTY_KEY_ID, message.key_id),
            (topics.PROPERTY_SIGNATURE, message.signature),
            (topics.PROPERTY_MESSAGE_ID, message.message_id),
        ]
        self._client.publish(message.topic, message.payload, qos=1, properties=properties)
        return message

    def send(self, *items: wire.Item | bytes) -> Incoming:
        """Hand one message of items to the broker, once."""
        return self.publish(self.signer.send(*items))

    def is_done(self, items: Iterable[wire.Item]) -> bool:
        """Return whether there is a receipt for each."""
        return all(i.reading_id in self.stored or i.reading_id in self.rejected for i in items)

    def deliver(self, items: Sequence[wire.Item]) -> int:
        """Send one item a message, `WINDOW` at once, again and again until each has its receipt.

        Return how many messages that took.
        """
        sent = 0
        for start in range(0, len(items), WINDOW):
            window = items[start : start + WINDOW]
            while open_items := [item for item in window if not self.is_done([item])]:
                if self._listening:
                    for item in open_items:
                        self.send(item)
                    sent += len(open_items)
                with self._news:
                    self._news.wait_for(lambda: self.is_done(window), RESEND_S)  # noqa: B023
        return sent


def now() -> datetime:
    return datetime.now(UTC)


def series(count: int) -> list[wire.Item]:
    """Return readings, one a second, of which none equals another."""
    start = now() - timedelta(hours=2)
    return [pressure(100 + n % 60, 60, at=start + timedelta(seconds=n)) for n in range(count)]


@contextmanager
def home_at(url: str, signer: Signer) -> Iterator[Home]:
    """Have a home on line for the block."""
    home = Home(url, signer)
    try:
        yield home
    finally:
        home.close()


@contextmanager
def ingesting(
    dsn: str, broker_url: str, rules: RuleSet, shared: str | None = None
) -> Iterator[Pipeline]:
    """Run ingest in a thread for the block, from when it listens."""
    stop = threading.Event()
    subscriber = Subscriber(broker_url, shared=shared)
    pipeline = Pipeline(dsn, subscriber, rules, Clock(), stop, shared=shared is not None)
    thread = threading.Thread(target=pipeline.run)
    thread.start()
    try:
        assert subscriber.subscribed.wait(DEADLINE_S)
        yield pipeline
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


class IngestChild:
    """`yikao ingest` in a process of its own."""

    def __init__(self, dsn: str, broker_url: str, folder: Path, **more: str) -> None:
        self.log = folder / "ingest.log"
        self.ready = folder / "ready"
        folder.mkdir()
        environment = {**os.environ, DATABASE_URL: dsn, BROKER_URL: broker_url, **more}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "yikao_ingest", "ingest"],
                env={**environment, READY_FILE: str(self.ready)},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )

    def says(self, words: str) -> bool:
        """Return whether its log has these words by now."""
        return words in self.log.read_text("utf-8")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.send_signal(SIGKILL)
        self._process.wait(DEADLINE_S)

    def stop(self) -> int:
        """End it as a service manager does; return its exit code."""
        self._process.terminate()
        return self._process.wait(DEADLINE_S)


def kill_again_and_again(
    start: Callable[[], IngestChild], home: Home, thresholds: Sequence[int]
) -> IngestChild:
    """Kill ingest when so many receipts have come, and start another; return the last one."""
    child = start()
    for threshold in thresholds:
        home.until(lambda: len(home.stored) >= threshold)  # noqa: B023
        child.kill()
        child = start()
    return child
