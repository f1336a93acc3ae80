"""Packets are read as paho reads them, and what is not well formed is left to paho."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from yikao_ingest.publish_packet import (
    VARIABLE_MAX,
    read_publish,
    write_puback,
    write_publish,
)

# paho itself refuses U+FEFF, which MQTT allows.
texts = st.text(st.characters(exclude_characters="\0\ufeff", codec="utf-8"), max_size=30)
users = st.lists(st.tuples(texts, texts), max_size=5)


def packet(
    topic: str, qos: int, properties: Properties, payload: bytes, *, again: bool = False
) -> tuple[int, bytes]:
    """Return the first byte of a PUBLISH packet, and what follows its length."""
    name = topic.encode()
    number = struct.pack("!H", 7) if qos else b""
    body = struct.pack("!H", len(name)) + name + number + bytes(properties.pack()) + payload
    return 0x30 | qos << 1 | again << 3, body


def made(user: list[tuple[str, str]], more: dict[str, object]) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)
    for pair in user:
        properties.UserProperty = pair
    for name, value in more.items():
        setattr(properties, name, value)
    return properties


others = st.fixed_dictionaries(
    {},
    optional={
        "PayloadFormatIndicator": st.integers(0, 1),
        "MessageExpiryInterval": st.integers(0, 2**32 - 1),
        "ContentType": texts,
        "ResponseTopic": texts,
        "CorrelationData": st.binary(max_size=20),
        "SubscriptionIdentifier": st.integers(1, 268_435_455),
    },
)


@given(texts.filter(bool), st.integers(0, 1), users, others, st.binary(max_size=50), st.booleans())
def test_a_packet_is_what_was_packed(
    topic: str,
    qos: int,
    user: list[tuple[str, str]],
    more: dict[str, object],
    payload: bytes,
    again: bool,
) -> None:
    read = read_publish(*packet(topic, qos, made(user, more), payload, again=again))
    assert read is not None
    assert read == (topic, 7 if qos else 0, qos, again, dict(user), payload)


@given(st.integers(0x30, 0x3F), st.binary(max_size=80))
def test_any_bytes_are_read_or_left(header: int, body: bytes) -> None:
    read = read_publish(header, body)
    assert read is None or body.endswith(read.payload)


@given(users, st.data())
def test_a_packet_cut_short_before_its_payload_is_left(
    user: list[tuple[str, str]], data: st.DataObject
) -> None:
    header, body = packet("v1/a/b", 1, made(user, {}), b"")
    assert read_publish(header, body[: data.draw(st.integers(0, len(body) - 1))]) is None


def test_what_mqtt_forbids_is_left() -> None:
    none = made([], {})
    assert read_publish(*packet("", 1, none, b"x")) is None
    assert read_publish(*packet("a\0b", 1, none, b"x")) is None
    assert read_publish(0x36, packet("a", 1, none, b"x")[1]) is None
    # A property that no PUBLISH has, and a length in five bytes.
    assert read_publish(0x30, b"\0\1a\x02\x24\0") is None
    assert read_publish(0x30, b"\0\1a\x80\x80\x80\x80\x01") is None


@given(texts.filter(bool), st.binary(max_size=300))
def test_what_is_written_is_what_is_read(topic: str, payload: bytes) -> None:
    packet = write_publish(topic, payload)
    assert packet is not None
    length, begins = 0, 1
    for place in range(VARIABLE_MAX):
        length |= (packet[begins] & 0x7F) << 7 * place
        begins += 1
        if not packet[begins - 1] & 0x80:
            break
    assert len(packet) == begins + length
    assert read_publish(packet[0], packet[begins:]) == (topic, 0, 0, False, {}, payload)


def test_what_cannot_be_a_topic_is_not_written() -> None:
    assert write_publish("", b"") is None
    assert write_publish("x" * 65_535, b"") is not None
    assert write_publish("x" * 65_536, b"") is None


def test_an_acknowledgement_names_its_message() -> None:
    assert write_puback(0x1234) == b"\x40\x02\x12\x34"
