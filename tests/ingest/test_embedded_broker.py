"""The embedded brokers: messages pass, the port stays, and nothing but loopback is served."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from urllib.parse import urlsplit

import pytest
from fix_servers import ends_within, require
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from yikao_ingest.embedded import broker_engines
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.broker_engines import MESSAGE_MAX_BYTES, Engine
from yikao_ingest.embedded.errors import (
    FolderInUseError,
    NotLoopbackError,
    PortError,
    StartError,
)

PATIENCE_S = 30.0
SUPERVISOR = """
import sys
from pathlib import Path
from yikao_ingest.embedded import broker_engines
from yikao_ingest.embedded.broker import EmbeddedBroker
engine = getattr(broker_engines, sys.argv[2])()
broker = EmbeddedBroker(Path(sys.argv[1]), engine=engine)
broker.start()
print(broker.pid, flush=True)
sys.stdin.read()
"""


def engine_named(name: str) -> Engine:
    engine = broker_engines.mosquitto() if name == "mosquitto" else broker_engines.iotcore()
    require(engine is not None, name)
    assert engine is not None
    return engine


@pytest.fixture(params=["mosquitto", "iotcore"])
def broker(request: pytest.FixtureRequest, short_tmp: Path) -> Iterator[EmbeddedBroker]:
    """A broker of each kind, not started; stopped at the end whatever happens."""
    server = EmbeddedBroker(short_tmp / "broker", engine=engine_named(request.param))
    yield server
    server.stop()


@pytest.fixture
def mosquitto(short_tmp: Path) -> Iterator[EmbeddedBroker]:
    """A mosquitto, not started."""
    server = EmbeddedBroker(short_tmp / "broker", engine=engine_named("mosquitto"))
    yield server
    server.stop()


class Listening:
    """An MQTT 5 client that subscribed to a topic; `message` waits for the next one."""

    def __init__(self, url: str, topic: str) -> None:
        self._subscribed = threading.Event()
        self._came = threading.Event()
        self._message: MQTTMessage | None = None
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self.client.connect(address.hostname, address.port)
        self.client.loop_start()
        self.client.subscribe(topic, qos=1)
        assert self._subscribed.wait(PATIENCE_S)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._message = message
        self._came.set()

    def message(self) -> MQTTMessage:
        assert self._came.wait(PATIENCE_S)
        assert self._message is not None
        return self._message

    def __enter__(self) -> "Listening":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def message_passes(url: str, payload: bytes = b"{}") -> bool:
    """Return whether a message with MQTT 5 properties comes back as it was sent."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has none
    properties.ContentType = "application/vnd.yikao.reading+json;v=1"
    properties.UserProperty = ("kid", "key 1")
    with Listening(url, "v1/t/g/reading/+") as listening:
        listening.client.publish("v1/t/g/reading/bp", payload, qos=1, properties=properties)
        came = listening.message()
        return came.payload == payload and str(came.properties) == str(properties)


def test_a_message_of_the_greatest_size_passes_with_its_properties(broker: EmbeddedBroker) -> None:
    # 100 bytes are left for topic and properties, which iotcore counts.
    assert message_passes(broker.start(), b"x" * (MESSAGE_MAX_BYTES - 100))


def test_a_killed_broker_is_replaced_on_the_same_port(broker: EmbeddedBroker) -> None:
    url = broker.start()
    assert broker.ensure() is False
    with Listening(url, "v1/#"):
        first = broker.pid
        os.kill(first, SIGKILL)
        assert ends_within(first, PATIENCE_S)
        assert broker.ensure() is True
        assert broker.pid != first
        assert message_passes(url)


def test_a_stopped_broker_comes_back_on_the_same_port(broker: EmbeddedBroker) -> None:
    url = broker.start()
    broker.stop()
    assert ends_within(broker.pid, PATIENCE_S)
    assert broker.start() == url
    assert message_passes(url)


@pytest.mark.parametrize("name", ["mosquitto", "iotcore"])
def test_a_killed_parent_takes_the_broker_with_it(short_tmp: Path, name: str) -> None:
    engine_named(name)
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(short_tmp / "broker"), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert ends_within(pid, PATIENCE_S)


def test_mosquitto_keeps_retained_messages_over_a_restart(mosquitto: EmbeddedBroker) -> None:
    with Listening(mosquitto.start(), "v1/t/g/birth") as listening:
        listening.client.publish("v1/t/g/birth", b"born", qos=1, retain=True)
        listening.message()
    mosquitto.stop()
    with Listening(mosquitto.start(), "v1/t/g/birth") as listening:
        assert listening.message().payload == b"born"


def test_a_taken_port_is_named(short_tmp: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        mine = EmbeddedBroker(short_tmp / "other", port=port)
        with pytest.raises(PortError) as refused:
            mine.start(timeout_s=0.1)
    assert str(refused.value) == (
        f"port {port} of 127.0.0.1 is taken by another program: "
        "stop that program, or give the embedded broker another port"
    )
    assert mine.start() == f"mqtt://127.0.0.1:{port}"
    mine.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "clinic.example", ""])
def test_the_network_is_not_served(short_tmp: Path, host: str) -> None:
    with pytest.raises(NotLoopbackError, match="or run a broker with certificates and set"):
        EmbeddedBroker(short_tmp / "broker", host=host)


def test_two_brokers_do_not_share_a_folder(mosquitto: EmbeddedBroker, short_tmp: Path) -> None:
    mosquitto.start()
    with pytest.raises(FolderInUseError, match=f"pid {os.getpid()}"):
        EmbeddedBroker(short_tmp / "broker").start()


def test_a_broker_that_cannot_start_says_why(short_tmp: Path) -> None:
    broken = Engine("broken", "broken.conf", ("ls", "--", "no such file"), lambda _: "")
    with pytest.raises(StartError, match="ended at once with code 2: mend what") as refused:
        EmbeddedBroker(short_tmp / "broker", engine=broken).start()
    assert "no such file" in refused.value.detail
    absent = Engine("absent", "absent.conf", ("no-such-program",), lambda _: "")
    with pytest.raises(StartError, match="cannot run no-such-program: No such file"):
        EmbeddedBroker(short_tmp / "broker", engine=absent).start()


def test_an_ordinary_user_finds_mosquitto_outside_path() -> None:
    require(broker_engines.mosquitto() is not None, "mosquitto")
    assert broker_engines.mosquitto(path="") is not None
