"""A publisher that costs next to nothing, so that it is never what is measured.

Each message is turned into the bytes of its packet before the clock starts; what is left is to
write them to a socket and to count the broker's acknowledgements. Source: OASIS MQTT 5.0, sections
3.1 (CONNECT), 3.3 (PUBLISH) and 3.4 (PUBACK).
"""

import socket
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

MQTT_5 = 5
CLEAN_START = 0x02
CONNECT, CONNACK, PUBLISH_QOS_1, PUBACK = 0x10, 0x20, 0x32, 0x40
USER_PROPERTY = 0x26
FAILURE = 0x80
"""Reason codes from here on say that the broker did not take it."""
IDS = 65_535
ANSWER_S = 60.0
"""Longest that the broker may take nothing, or acknowledge nothing."""
CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message, with what travels beside it."""

    topic: str
    payload: bytes
    properties: tuple[tuple[str, str], ...] = ()


def packets(messages: Sequence[Outgoing]) -> list[bytes]:
    """Return the packets of messages to be published at QoS 1."""
    return [_publish(message, 1 + n % IDS) for n, message in enumerate(messages)]


def publish(
    port: int,
    prepared: Sequence[bytes],
    per_s: float | None = None,
    client_id: str = "bench-publisher",
) -> list[float]:
    """Publish to the broker of this machine, so many a second; return when each was sent.

    Without `per_s`, as fast as the broker takes them. Times are Unix seconds; those of messages
    that left together are the same. Returns when the broker has acknowledged all.
    """
    with closing(_connect(port, client_id)) as link:
        acks = threading.Thread(target=_await_acks, args=(link, len(prepared)), daemon=True)
        acks.start()
        if per_s is None:
            began = time.time()
            link.sendall(b"".join(prepared))
            sent_at = [began] * len(prepared)
        else:
            sent_at = _paced(link, prepared, per_s)
        acks.join(ANSWER_S)
        assert not acks.is_alive(), "the broker does not acknowledge"
    return sent_at


def _paced(link: socket.socket, prepared: Sequence[bytes], per_s: float) -> list[float]:
    sent_at = []
    began = time.monotonic()
    for number, packet in enumerate(prepared):
        time.sleep(max(0.0, began + number / per_s - time.monotonic()))
        sent_at.append(time.time())
        link.sendall(packet)
    return sent_at


def _connect(port: int, client_id: str) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    keepalive_off, no_properties = b"\0\0", b"\0"
    body = _text("MQTT") + bytes((MQTT_5, CLEAN_START)) + keepalive_off + no_properties
    link.sendall(_packet(CONNECT, body + _text(client_id)))
    answer = link.recv(CHUNK_BYTES)
    assert answer[0] == CONNACK and answer[3] < FAILURE, "the broker refuses the publisher"
    return link


def _await_acks(link: socket.socket, wanted: int) -> None:
    """Return when so many packets were acknowledged; all that a publisher gets is PUBACKs."""
    rest = b""
    while wanted:
        rest += link.recv(CHUNK_BYTES)
        at = 0
        while len(rest) - at >= 2 and len(rest) - at >= 2 + rest[at + 1]:
            assert rest[at] == PUBACK, "the broker ends the publisher's connection"
            at += 2 + rest[at + 1]
            wanted -= 1
        rest = rest[at:]


def _publish(message: Outgoing, packet_id: int) -> bytes:
    pairs = (_text(name) + _text(value) for name, value in message.properties)
    properties = b"".join(bytes((USER_PROPERTY,)) + pair for pair in pairs)
    head = _text(message.topic) + struct.pack(">H", packet_id)
    return _packet(PUBLISH_QOS_1, head + _length(len(properties)) + properties + message.payload)


def _packet(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + _length(len(body)) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _length(number: int) -> bytes:
    """Return a number as MQTT's variable byte integer (section 1.5.5)."""
    found = bytearray()
    while True:
        number, seven = divmod(number, 128)
        found.append(seven | (0x80 if number else 0))
        if not number:
            return bytes(found)
