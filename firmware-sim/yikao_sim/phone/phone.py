"""One phone for all doctors who do not exist: it rings, and some of them answer after a while.

It accepts pages as a provider does: the same page twice is accepted twice under one id, and rings
once. Everything that happens is told as an `Event`, whose story time is the story clock's.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from yikao_devices.story_clock import Clock
from yikao_sim.phone.browser import NotAnsweredError, answer_page
from yikao_sim.phone.form import Page, Refusal, accepted, check, refused
from yikao_sim.phone.mishap import Mishap, Reply

CALLED: Final = "called"
"""What a doctor chooses who has telephoned the resident."""
RINGS_MAX: Final = 10_000
"""Pages remembered; sent again after that many others, a page would ring again."""

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
    owner: str
    page: Page


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


class Mischief:
    """Fails so many pages on command, then behaves; `times` None: for ever."""

    def __init__(self, mishap: Mishap | None = None, times: int | None = None) -> None:
        self._mishap = mishap
        self._left = times

    def next(self) -> Mishap | None:
        """Return how the next page fails; None when it does not."""
        if self._left == 0:
            return None
        if self._left is not None:
            self._left -= 1
        return self._mishap


class Phone:
    """All of it lives in one event loop; `close` it there.

    `habits`: by owner; without any, everybody has a phone and nobody answers it.
    """

    def __init__(
        self,
        habits: Mapping[str, Habit],
        clock: Clock,
        tell: Callable[[Event], None],
        *,
        secret: bytes | None = None,
        mischief: Mischief | None = None,
    ) -> None:
        self._habits = habits
        self._clock = clock
        self._tell = tell
        self._secret = secret
        self._mischief = mischief or Mischief()
        self._rings: dict[tuple[str, UUID], Ring] = {}
        self._rung = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self, owner: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take one POST for `owner` and return what to answer."""
        page = self._read(owner, headers, body)
        if isinstance(page, Refusal):
            return await self.refuse(owner, page)
        mishap = self._mischief.next()
        if mishap is None:
            return accepted(self._take(owner, page))
        self._happened("misbehaved", owner, said=mishap.name, page=page)
        if mishap.rings:
            self._take(owner, page)
        return mishap.reply

    async def refuse(self, owner: str, refusal: Refusal) -> Reply:
        """Refuse what is no page, and say so here too."""
        self._happened("refused", owner, said=refusal.error)
        return refused(refusal.status, refusal.error)

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

    def _read(self, owner: str, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        if not owner or (self._habits and owner not in self._habits):
            known = ", ".join(self._habits) or "any"
            return Refusal(404, f"nobody called {owner!r} has a phone here: there is {known}")
        return check(headers, body, self._secret)

    def _take(self, owner: str, page: Page) -> str:
        """Ring, unless this page has rung already; return the provider's id."""
        ring = self._rings.get((owner, page.page_id))
        if ring is not None:
            self._happened("repeated", owner, ring=ring.number, page=page)
            return _provider_id(ring)
        self._rung += 1
        ring = Ring(self._rung, owner, page)
        self._rings[owner, page.page_id] = ring
        if len(self._rings) > RINGS_MAX:
            del self._rings[next(iter(self._rings))]
        self._happened("rang", owner, ring=ring.number, page=page)
        habit = self._habits.get(owner, Habit())
        if habit.after is not None:
            delay_s = self._clock.real_seconds(habit.after)
            self._spawn(self._answer(ring, delay_s, habit.disposition))
        return _provider_id(ring)

    async def _answer(self, ring: Ring, delay_s: float, disposition: str) -> None:
        await asyncio.sleep(delay_s)
        try:
            said = await asyncio.to_thread(answer_page, ring.page.link, disposition)
        except NotAnsweredError as error:
            self._happened("answer_failed", ring.owner, str(error), ring.number, ring.page)
        else:
            self._happened("answered", ring.owner, said, ring.number, ring.page)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _happened(
        self, kind: Kind, owner: str, said: str = "", ring: int = 0, page: Page | None = None
    ) -> None:
        real_s = time.time()
        story, real = self._clock.at(real_s), datetime.fromtimestamp(real_s, UTC)
        if page is None:
            self._tell(Event(kind, story, real, owner, said=said))
            return
        facts = (page.page_id, page.episode, page.attempt, page.text, page.link)
        self._tell(Event(kind, story, real, owner, ring, *facts, said))


def _provider_id(ring: Ring) -> str:
    return f"ring-{ring.number}"
