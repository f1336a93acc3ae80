"""Plays a story in homes of the simulated air: events at their minutes, replies when asked.

Whoever shows the gateway's display tells the player what it says (`Prompt`); the person then does
what the story's next reply for that home is. Who decides and who waits are apart: `Script` knows
neither clock nor socket.
"""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from yikao_devices.story_clock import Clock
from yikao_devices.wire import Command
from yikao_sim.story import Step, Story

PROMPTS_MAX: Final = 10_000
"""Commands remembered as answered."""

Kind = Literal["begins", "said", "measured", "asked", "unanswered", "shown", "unreadable", "ends"]
Measure = Callable[[str, dict[str, Any]], Awaitable[object]]
"""Lets the person in a home measure; the values have the names of the air's control socket."""


class Prompt(msgspec.Struct, frozen=True):
    """What a gateway's display says in a home."""

    home: str
    prompt: Command


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the story as it goes; `replies`: how many are left for that home, or at all."""

    event: Kind
    story: datetime
    home: str = ""
    zh: str = ""
    en: str = ""
    measured: dict[str, Any] = {}
    command_id: UUID | None = None
    replies: int = 0


@dataclass(order=True, slots=True)
class Due:
    """A step and when it happens; `number` keeps the order of two at the same time."""

    at: datetime
    number: int
    step: Step = field(compare=False)


class Script:
    """What is still to happen in a story that began at `begin`."""

    def __init__(self, story: Story, begin: datetime) -> None:
        self._due = [
            Due(begin + step.after, number, step) for number, step in enumerate(story.events)
        ]
        self._number = len(self._due)
        self._replies: dict[str, deque[Step]] = {}
        for step in story.replies:
            self._replies.setdefault(step.home, deque()).append(step)
        self._answered: dict[UUID, None] = {}

    def next_at(self) -> datetime | None:
        """Return when the next thing happens; None when nothing will, unless somebody is asked."""
        return self._due[0].at if self._due else None

    def take(self, now: datetime) -> Step | None:
        """Return the next thing that happens at or before `now`."""
        if not self._due or self._due[0].at > now:
            return None
        return heapq.heappop(self._due).step

    def replies_left(self, home: str | None = None) -> int:
        """Return how many replies are unused, in `home` or anywhere."""
        return sum(len(own) for each, own in self._replies.items() if home in (None, each))

    def ask(self, prompt: Prompt, now: datetime) -> Kind:
        """Return `asked` when the person in `prompt.home` will reply, else `unanswered`.

        `shown`: the display asks for nothing. A command counts once, however often it is shown.
        """
        command = prompt.prompt
        if command.do != "measure_again" or command.command_id in self._answered:
            return "shown"
        self._answered[command.command_id] = None
        if len(self._answered) > PROMPTS_MAX:
            del self._answered[next(iter(self._answered))]
        replies = self._replies.get(prompt.home)
        if not replies:
            return "unanswered"
        step = replies.popleft()
        self._number += 1
        heapq.heappush(self._due, Due(now + step.after, self._number, step))
        return "asked"


async def play(
    story: Story,
    clock: Clock,
    measure: Measure,
    tell: Callable[[Told], None],
    prompts: asyncio.StreamReader | None = None,
) -> None:
    """Play `story` from now to its end, which with `prompts` is when its replies are used up too.

    prompts: JSON lines, see `Prompt`; their end is the story's. Raises what `measure` raises.
    """

    def now() -> datetime:
        return clock.at(time.time())

    script = Script(story, now())
    tell(Told("begins", now(), zh=story.title_zh, en=story.title_en))
    while script.next_at() or (prompts and script.replies_left()):
        if step := script.take(now()):
            await _happen(step, now(), measure, tell)
        elif (line := await _line(prompts, _wait_s(script, clock))) == b"":
            break
        elif line:
            _hear(line, script, now(), tell)
    tell(Told("ends", now(), replies=script.replies_left()))


def _wait_s(script: Script, clock: Clock) -> float | None:
    """Return the real seconds until something happens; None when nothing will by itself."""
    at = script.next_at()
    return None if at is None else max(0.0, clock.real_time(at) - time.time())


async def _line(prompts: asyncio.StreamReader | None, wait_s: float | None) -> bytes | None:
    """Return a line that comes within `wait_s`, empty at the end of them all; None: none came."""
    if prompts is None:
        await asyncio.sleep(wait_s or 0.0)
        return None
    try:
        return await asyncio.wait_for(prompts.readline(), wait_s)
    except TimeoutError:
        return None
    except ValueError:
        # Longer than the stream's limit; the stream has thrown it away.
        return b"(too long)"


async def _happen(
    step: Step, now: datetime, measure: Measure, tell: Callable[[Told], None]
) -> None:
    measured = dict(step.measured)
    if measured:
        await measure(step.home, measured)
    kind: Kind = "measured" if measured else "said"
    tell(Told(kind, now, step.home, step.say_zh, step.say_en, measured))


def _hear(line: bytes, script: Script, now: datetime, tell: Callable[[Told], None]) -> None:
    """Let the script hear one line; what cannot be read is told, not lost."""
    try:
        prompt = msgspec.json.decode(line, type=Prompt)
    except msgspec.MsgspecError as error:
        tell(Told("unreadable", now, en=str(error)))
        return
    command = prompt.prompt
    kind = script.ask(prompt, now)
    left = script.replies_left(prompt.home)
    words = (command.text_zh, command.text_en)
    tell(Told(kind, now, prompt.home, *words, command_id=command.command_id, replies=left))
