"""Messages are kept packed, and come back to the byte."""

import os
from datetime import timedelta

from clinic import NOW, pressure
from fix_database import Intake
from hypothesis import given
from hypothesis import strategies as st

from yikao_ingest.packed import MAGIC, PACKED_FROM, pack, unpack

messages = st.binary(max_size=64).map(lambda rest: b"{" + rest)


@given(messages, st.integers(0, 2 * PACKED_FROM))
def test_every_message_comes_back_as_it_was(start: bytes, room: int) -> None:
    message = start + b" " * room
    assert unpack(pack(message)) == message
    assert pack(message).startswith(MAGIC) == (len(message) >= PACKED_FROM)


def test_what_cannot_be_compressed_comes_back_too() -> None:
    message = b"{" + os.urandom(PACKED_FROM)
    assert unpack(pack(message)) == message


def test_a_full_message_takes_a_fifth_of_its_room_and_its_bytes_are_kept(ingest: Intake) -> None:
    items = [pressure(110 + n % 40, 70, at=NOW - timedelta(minutes=n)) for n in range(100)]
    message = ingest.clinic.first.send(*items)
    ingest.receives(message)
    ((kept,),) = ingest.clinic.rows("SELECT payload FROM ingest_message")
    assert unpack(kept) == message.payload
    assert len(kept) < len(message.payload) / 5
