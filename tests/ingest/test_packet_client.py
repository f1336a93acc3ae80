"""Against a broker that never stops sending, the client goes on writing and can be stopped."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from fix_database import DEADLINE_S
from paho.mqtt.client import MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from yikao_ingest.packet_client import READ_BYTES, PacketClient
from yikao_ingest.publish_packet import write_publish

CONNACK = b"\x20\x03\x00\x00\x00"
PINGREQ = 0xC0
SLOW_S = 0.0005


@pytest.fixture
def flood() -> Iterator[tuple[int, threading.Event, list[int]]]:
    """A broker's port: it sends without end, keeps what it is told, and says when it was told."""
    told, heard = threading.Event(), list[int]()
    packet = write_publish("v1/north/gw-1/reading", b"x" * 1_001)
    assert packet is not None
    # Never a whole number of packets in what is read at once.
    much = packet * (2 * READ_BYTES // len(packet))

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(1_000)
            connection.sendall(CONNACK)
            threading.Thread(target=listen, args=(connection,), daemon=True).start()
            while True:
                connection.sendall(much)

    def listen(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := connection.recv(1_000):
                heard.append(data[0] & 0xF0)
                told.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,), daemon=True)
        serving.start()
        yield listening.getsockname()[1], told, heard
    serving.join(DEADLINE_S)


def test_a_flood_keeps_nothing_from_leaving(
    flood: tuple[int, threading.Event, list[int]],
) -> None:
    port, told, heard = flood
    client = PacketClient(CallbackAPIVersion.VERSION2, client_id="flooded", protocol=MQTTv5)
    sizes, begun, never = set[int](), threading.Event(), threading.Event()

    def hear(packet: object) -> None:
        sizes.add(len(packet.payload))  # type: ignore[attr-defined]
        begun.set()
        # Slower than the sender, so that the socket is never empty.
        never.wait(SLOW_S)

    client.heard = hear
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert begun.wait(DEADLINE_S)
    assert client.send(bytes((PINGREQ, 0)))
    assert told.wait(DEADLINE_S)
    stopping = threading.Thread(target=lambda: (client.disconnect(), client.loop_stop()))
    stopping.start()
    stopping.join(DEADLINE_S)
    assert not stopping.is_alive()
    assert heard[0] == PINGREQ
    assert sizes == {1_001}
