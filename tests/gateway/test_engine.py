"""The order of things in a session: first the disk, then the conversation; failures end it loudly.

The link here is a few lines of memory, because only the order matters; visits over the simulated
air are in test_visit.py.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from gateway_parts import BP, CUFF, HOME, NOW, fill, items_of, outbox_in, pressure_frame

from yikao_devices import gatt
from yikao_devices.conversation import (
    Answer,
    AskTime,
    ClockCompared,
    Disconnected,
    Effect,
    MayStay,
    Notification,
    Outcome,
    Pause,
    Read,
    Refused,
    Silence,
    Subscribe,
    Talk,
    Wait,
    Write,
)
from yikao_devices.models import GENERIC_CUFF
from yikao_gateway.errors import StorageError
from yikao_gateway.radio.errors import DeviceGone, ProtocolError
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.engine import Mailbox, converse
from yikao_gateway.visits.intake import Intake

DONE = Outcome({}, None, 0)
LONG_S = 10.0


class MemoryLink:
    """A link whose device does what `on_request` says."""

    def __init__(self) -> None:
        self.disconnected = asyncio.Event()
        self.on_request: Callable[[str, int], bytes | None] = lambda what, char: None

    def characteristics(self) -> frozenset[int]:
        return frozenset({BP})

    async def read(self, char: int) -> bytes:
        return self.on_request("read", char) or b""

    async def write(self, char: int, data: bytes) -> None:
        self.on_request("write", char)

    async def subscribe(self, char: int) -> None:
        self.on_request("subscribe", char)

    async def disconnect(self) -> None:
        self.disconnected.set()


class Session:
    """Everything of one session, and the answers its conversation was given."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.intake = Intake(outbox, CUFF, GENERIC_CUFF, lambda: NOW)
        self.mailbox = Mailbox(self.intake)
        self.link = MemoryLink()
        self.answers: list[Answer] = []

    async def runs(self, *effects: Effect) -> list[Answer]:
        await converse(self._talk(effects), self.link, self.mailbox, self.intake, lambda: NOW)
        return self.answers

    def _talk(self, effects: tuple[Effect, ...]) -> Talk:
        for effect in effects:
            self.answers.append((yield effect))
        return DONE


def session(story: Callable[[Session], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """Make a test of a story about one session."""

    def test(tmp_path: Path) -> None:
        async def play() -> None:
            with outbox_in(tmp_path, bytes_max=128 * 1024) as outbox:
                await story(Session(outbox))

        asyncio.run(asyncio.wait_for(play(), LONG_S))

    test.__doc__ = story.__doc__
    return test


@session
async def test_a_measurement_is_on_the_disk_before_the_conversation_hears_of_it(
    s: Session,
) -> None:
    s.link.on_request = lambda *_: s.mailbox.take(BP, pressure_frame(1))
    talk = s._talk((Subscribe(BP),))
    assert next(talk) == Subscribe(BP)
    await converse(_only(Subscribe(BP)), s.link, s.mailbox, s.intake, lambda: NOW)
    assert len(items_of(s.outbox)) == 1
    assert s.answers == []


def _only(effect: Effect) -> Talk:
    yield effect
    return DONE


@session
async def test_each_effect_has_its_answer(s: Session) -> None:
    s.link.on_request = lambda what, char: b"\x32" if what == "read" else None
    assert await s.runs(
        Read(gatt.BATTERY_LEVEL),
        Write(gatt.CURRENT_TIME, b"\x00"),
        AskTime(),
        ClockCompared(2.0),
        Pause(0.0),
        MayStay(0.0),
        Wait(0.0),
    ) == [b"\x32", None, NOW, None, None, True, Silence()]
    assert NOW.tzinfo is HOME


@session
async def test_a_refusal_is_an_answer_and_a_lost_link_is_not(s: Session) -> None:
    def refuse(what: str, char: int) -> None:
        raise ProtocolError(CUFF, 0x80) if what == "read" else DeviceGone(CUFF, "gone")

    s.link.on_request = refuse
    assert await s.runs(Read(BP)) == [Refused(0x80)]
    with pytest.raises(DeviceGone):
        await s.runs(Subscribe(BP))


@session
async def test_notifications_come_in_order_and_the_end_behind_them(s: Session) -> None:
    frames = [pressure_frame(number) for number in range(3)]

    def send_all(what: str, char: int) -> None:
        for frame in frames:
            s.mailbox.take(BP, frame)
        s.link.disconnected.set()

    s.link.on_request = send_all
    answers = await s.runs(Subscribe(BP), *[Wait(LONG_S)] * 5)
    assert answers[1:] == [*(Notification(BP, frame) for frame in frames), *[Disconnected()] * 2]


@session
async def test_only_measurements_are_stored(s: Session) -> None:
    s.mailbox.take(gatt.RECORD_ACCESS_CONTROL_POINT, b"\x06\x00\x01\x01")
    await s.runs(Wait(LONG_S))
    assert s.outbox.counts().open == s.outbox.counts().frames == 0


@session
async def test_a_frame_that_cannot_be_stored_ends_the_session(s: Session) -> None:
    """The device may forget what it sent, so nothing more may be taken from it."""
    s.intake.begin()
    fill(s.outbox)

    def send(what: str, char: int) -> None:
        s.mailbox.take(BP, pressure_frame(2))

    s.link.on_request = send
    with pytest.raises(StorageError):
        await s.runs(Subscribe(BP), Wait(LONG_S))
    assert s.answers == []


@session
async def test_a_frame_that_cannot_be_stored_ends_a_wait(s: Session) -> None:
    s.intake.begin()
    waiting = asyncio.create_task(s.runs(Wait(LONG_S), Wait(LONG_S)))
    await asyncio.wait({waiting}, timeout=0)
    fill(s.outbox)
    s.mailbox.take(BP, pressure_frame(1))
    with pytest.raises(StorageError):
        await waiting
    assert s.answers == []
