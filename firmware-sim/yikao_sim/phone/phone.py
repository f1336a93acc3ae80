"""One phone for all doctors who do not exist: it rings, and some of them answer after a while.

It hears from a provider's door what arrived and what was refused. Everything that happens is told
as an `Event`, whose story time is the story clock's.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from yikao_devices.story_clock import Clock
from yikao_sim.phone.browser import NotAnsweredError, answer_page
from yikao_sim.providers.faults import Fault
from yikao_sim.providers.provider import Handled, Message

CALLED: Final = "called"
"""What a doctor chooses who has telephoned the resident."""
RINGS_MAX: Final = 10_000
"""Rings remembered; a repetition after that many others is shown without its number."""

Kind = Literal["rang", "repeated", "answered", "answer_failed", "refused", "misbehaved"]


@dataclass(frozen=True, slots=True)
class Habit:
    """What a doctor does when it rings; `after` None: never answers."""

    after: timedelta | None = None
    disposition: str = CALLED


@dataclass(frozen=True, slots=True)
class Ring:
    """One page that rang; the first is number 1."""

    number: int
    message: Message


Answering = Callable[[Message, str], str]
"""Answers a message with a disposition and returns what is said then; blocks. Raises
`NotAnsweredError`."""


def by_link(message: Message, disposition: str) -> str:
    """Answer as with a browser: open the page's link, and send its form."""
    return answer_page(message.link, disposition)


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened; `ring` is the number of its ring, `said` what page or fault said."""

    event: Kind
    story: datetime
    real: datetime
    owner: str
    ring: int = 0
    page_id: UUID | None = None
    episode: int = 0
    attempt: int = 0
    text: str = ""
    link: str = ""
    said: str = ""


class Phone:
    """All of it lives in one event loop; `close` it there.

    `habits`: by owner; without any, everybody has a phone and nobody answers it.
    """

    def __init__(
        self,
        habits: Mapping[str, Habit],
        clock: Clock,
        tell: Callable[[Event], None],
        answer: Answering = by_link,
    ) -> None:
        self._habits = habits
        self._clock = clock
        self._tell = tell
        self._by = answer
        self._rings: OrderedDict[tuple[str, str], Ring] = OrderedDict()
        self._rung = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, handled: Handled, fault: Fault | None) -> None:
        """Ring for a message that arrived; show what was refused or failed on command."""
        message = handled.message
        if fault is not None:
            self._happened("misbehaved", handled.owner, said=fault.name, message=message)
        if message is not None:
            self._take(message, repeated=handled.repeated)
        elif handled.fault:
            self._happened("refused", handled.owner, said=handled.fault)

    def answer_last(self) -> bool:
        """Answer the last ring at once; False when nothing has rung."""
        last = next(reversed(self._rings.values()), None)
        if last is not None:
            self._spawn(self._answer(last, 0.0, CALLED))
        return last is not None

    async def close(self) -> None:
        """Put the phone away: nobody answers any more."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, message: Message, *, repeated: bool) -> None:
        """Ring, unless this message has rung already."""
        key = (message.owner, message.provider_id)
        ring = self._rings.get(key)
        if repeated:
            number = ring.number if ring else 0
            self._happened("repeated", message.owner, ring=number, message=message)
            return
        self._rung += 1
        ring = self._rings[key] = Ring(self._rung, message)
        if len(self._rings) > RINGS_MAX:
            self._rings.popitem(last=False)
        self._happened("rang", message.owner, ring=ring.number, message=message)
        habit = self._habits.get(message.owner, Habit())
        if habit.after is not None:
            delay_s = self._clock.real_seconds(habit.after)
            self._spawn(self._answer(ring, delay_s, habit.disposition))

    async def _answer(self, ring: Ring, delay_s: float, disposition: str) -> None:
        await asyncio.sleep(delay_s)
        message = ring.message
        try:
            said = await asyncio.to_thread(self._by, message, disposition)
        except NotAnsweredError as error:
            self._happened("answer_failed", message.owner, str(error), ring.number, message)
        else:
            self._happened("answered", message.owner, said, ring.number, message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _happened(
        self, kind: Kind, owner: str, said: str = "", ring: int = 0, message: Message | None = None
    ) -> None:
        real_s = time.time()
        story, real = self._clock.at(real_s), datetime.fromtimestamp(real_s, UTC)
        if message is None:
            self._tell(Event(kind, story, real, owner, said=said))
            return
        facts = (message.page_id, message.episode, message.attempt, message.text, message.link)
        self._tell(Event(kind, story, real, owner, ring, *facts, said))
