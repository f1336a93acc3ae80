"""Runs a conversation over a link: does what it asks, and stores what the device says.

The order is the point. A measurement is in the outbox before the conversation hears of it, in the
turn of the radio's own callback, so nothing that happens later can lose it.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from yikao_devices.conversation import (
    Answer,
    AskTime,
    ClockCompared,
    ClockWillBeSet,
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
from yikao_gateway.errors import StorageError
from yikao_gateway.radio.errors import ProtocolError
from yikao_gateway.radio.ports import Link
from yikao_gateway.visits.intake import Intake


class Mailbox:
    """Where notifications arrive: `take` is the radio's callback, `next` the conversation's ear.

    Its length is bounded by what a device sends within one session, and each letter is on the
    disk already.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._letters: asyncio.Queue[Notification | Disconnected] = asyncio.Queue()
        self._failure: StorageError | None = None
        self._over = False

    def take(self, characteristic: int, data: bytes) -> None:
        """Store a measurement, then pass it on; a failure to store ends the session."""
        if self._failure is not None:
            return
        try:
            if characteristic in self._intake.measurements:
                self._intake.take(characteristic, data)
        except StorageError as error:
            # Raised here it would end in the radio library; `check` raises it in the session.
            self._failure = error
            self._letters.put_nowait(Disconnected())
            return
        self._letters.put_nowait(Notification(characteristic, data))

    def check(self) -> None:
        """Raise the `StorageError` that a notification met."""
        if self._failure is not None:
            raise self._failure

    async def follow(self, link: Link) -> None:
        """Put the end of the link behind its last notification."""
        await link.disconnected.wait()
        self._letters.put_nowait(Disconnected())

    async def next(self, timeout_s: float) -> Notification | Disconnected | Silence:
        """Return what came next, or `Silence` after `timeout_s`."""
        if self._over and self._letters.empty():
            return Disconnected()
        try:
            async with asyncio.timeout(timeout_s):
                letter = await self._letters.get()
        except TimeoutError:
            return Silence()
        self._over = self._over or isinstance(letter, Disconnected)
        return letter


Stay = Callable[[float], bool]
"""Tells whether there is time to listen on, given how many seconds a connection may last."""


async def converse(
    talk: Talk,
    link: Link,
    mailbox: Mailbox,
    intake: Intake,
    now: Callable[[], datetime],
    may_stay: Stay = lambda longest_s: True,
) -> Outcome:
    """Run `talk` to its outcome.

    Raises `RadioError` when the link is lost within a request, and `StorageError` as soon as a
    frame could not be stored.
    """
    following = asyncio.create_task(mailbox.follow(link))
    answer: Answer = None
    try:
        while True:
            effect = talk.send(answer)
            answer = await _do(effect, link, mailbox, intake, now, may_stay)
            mailbox.check()
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    finally:
        following.cancel()
        talk.close()


async def _do(
    effect: Effect,
    link: Link,
    mailbox: Mailbox,
    intake: Intake,
    now: Callable[[], datetime],
    may_stay: Stay,
) -> Answer:
    match effect:
        case Wait(timeout_s):
            return await mailbox.next(timeout_s)
        case Pause(duration_s):
            await asyncio.sleep(duration_s)
            return None
        case MayStay(longest_s):
            return may_stay(longest_s)
        case AskTime():
            return now()
        case ClockCompared(offset_s):
            intake.clock_compared(offset_s)
            return None
        case ClockWillBeSet():
            intake.clock_will_be_set()
            return None
        case Read() | Write() | Subscribe():
            return await _request(effect, link, intake)


async def _request(effect: Read | Write | Subscribe, link: Link, intake: Intake) -> Answer:
    try:
        match effect:
            case Read(characteristic):
                return await link.read(characteristic)
            case Write(characteristic, data):
                await link.write(characteristic, data)
            case Subscribe(characteristic):
                if characteristic in intake.measurements:
                    intake.begin()
                await link.subscribe(characteristic)
    except ProtocolError as error:
        return Refused(error.att_code)
    return None
