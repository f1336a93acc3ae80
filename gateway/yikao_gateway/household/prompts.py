"""What the server wants said at home: "please measure again". Too late is not said.

What is dated is kept on the disk and said at its time, by a gateway without a network too. A prompt
stands until its time is over, or until what it asks for was measured; then it is told for a while
that its time is over, so that nobody wonders where it went. What was said is remembered on the
disk: a broker may deliver a command twice, also to a gateway that has started anew.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import DecodeError, Struct, ValidationError, json, structs, to_builtins

from yikao_devices.wire import (
    UNREADABLE,
    Command,
    CommandResult,
    Item,
    Reading,
    decode_command,
)
from yikao_gateway.errors import StorageError
from yikao_gateway.store.database import Database

log = logging.getLogger(__name__)

REMEMBERED_MAX: Final = 100
"""Commands that are known to have been shown; an older one that comes again is shown again."""
STANDING_MAX: Final = 8
"""Prompts kept for the page; beyond it the oldest goes. A home has one or two at a time."""
LATER_MAX: Final = 16
"""Prompts kept for their time; beyond it the one that came first goes."""
ANSWERS_MAX: Final = 32
"""Answers kept for the next connection; beyond it the oldest goes: they are for information."""
LOOK_S: Final = 0.25
"""How often it is looked whether something is to be said."""
EARLY: Final = timedelta(minutes=3)
"""A reading so shortly before it is asked for has answered; measured sooner it would not count for
a round of a re-check, of which the shortest begins 3 min 45 s before its time (D)."""
OVER_SHOWN: Final = timedelta(minutes=30)
"""How long it is told that the time to measure again is over."""
FRESH: Final = timedelta(minutes=10)
"""So young is a reading that was taken because it was asked for."""
KEY: Final = "prompts"
"""Of the table `meta`."""

Show = Callable[[dict[str, Any]], None]


class _Memory(Struct, frozen=True):
    """What is remembered across restarts, as JSON, the newest last; `later` waits for its time,
    `answers` for a connection."""

    said: tuple[UUID, ...] = ()
    standing: tuple[Command, ...] = ()
    later: tuple[Command, ...] = ()
    answers: tuple[CommandResult, ...] = ()


_decode_memory: Final = json.Decoder(_Memory).decode


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that the page shows; `over`: its time is over, and nobody did what it asks."""

    command: Command
    over: bool

    def text(self, language: str) -> str:
        """Return its words in "zh" or "en"."""
        return self.command.text_zh if language == "zh" else self.command.text_en


class Prompts:
    """Shows commands and answers them.

    show: is given what to display, a JSON object, once for each command.
    """

    def __init__(
        self,
        language: Literal["zh", "en"],
        now: Callable[[], datetime],
        show: Show,
        database: Database,
    ) -> None:
        self._language = language
        self._now = now
        self._show = show
        self._database = database
        self._memory = _remembered(database)

    def receive(self, payload: bytes) -> CommandResult | None:
        """Show a command, or keep it for its time, unless it has expired; return the answer, None
        for no command at all."""
        try:
            command = decode_command(payload)
        except UNREADABLE as error:
            log.warning("command unreadable", extra={"why": str(error)})
            return None
        now = self._now()
        if command.command_id in self._memory.said:
            return CommandResult(command.command_id, "shown", now)
        if _is_over(command, now):
            # Perhaps one that was kept, and is wanted no more.
            self._drop(command)
            return CommandResult(command.command_id, "expired", now)
        if command.show_at is not None and now < command.show_at:
            later = (*self._later_but(command), command)[-LATER_MAX:]
            self._remember(structs.replace(self._memory, later=later))
            return CommandResult(command.command_id, "kept", now)
        self._say(command, now)
        return CommandResult(command.command_id, "shown", now)

    async def run(self) -> None:
        """Say what was kept, each at its time, until cancelled."""
        while True:
            self.say_due()
            await asyncio.sleep(LOOK_S)

    def say_due(self) -> None:
        """Say what was kept for now; what has expired meanwhile, the gateway being off, is not."""
        now = self._now()
        for command in self._memory.later:
            if now < (command.show_at or now):
                continue
            over = _is_over(command, now)
            if not over:
                self._say(command, now)
            answer = CommandResult(command.command_id, "expired" if over else "shown", now)
            answers = (*self._memory.answers, answer)[-ANSWERS_MAX:]
            later = self._later_but(command)
            self._remember(structs.replace(self._memory, later=later, answers=answers))

    def take_answers(self) -> tuple[CommandResult, ...]:
        """Return what became of kept prompts since the last call, to be told to the server."""
        answers = self._memory.answers
        if answers:
            self._remember(structs.replace(self._memory, answers=()))
        return answers

    def standing(self) -> list[Prompt]:
        """Return what is to be seen now, the newest first."""
        now = self._now()
        return [Prompt(each, each.expires_at <= now) for each in reversed(self._still(now))]

    def awaits(self, device: str) -> bool:
        """Return whether `device` is to be measured with again, now or in a moment."""
        now = self._now()
        soon = (each for each in self._memory.later if _is_answered(each, now))
        return any(map(_asks_for(device), (*self._still(now), *soon)))

    def read(self, device: str, items: Iterable[Item]) -> None:
        """Take note of what was just read of `device`: with a fresh reading among it, what asked
        for one has been done. Old ones from its memory answer nothing."""
        now = self._now()
        fresh = [
            item.measured_at
            for item in items
            if isinstance(item, Reading)
            and item.device == device
            and now - item.measured_at < FRESH
        ]
        if not fresh:
            return
        asks, last = _asks_for(device), max(fresh)
        still = tuple(each for each in self._still(now) if not asks(each))
        later = tuple(
            each for each in self._memory.later if not (asks(each) and _is_answered(each, last))
        )
        self._remember(structs.replace(self._memory, standing=still, later=later))

    def _say(self, command: Command, now: datetime) -> None:
        self._show(self._prompt(command))
        # Remembered afterwards: a crash between the two says it twice, never not at all.
        said = (*self._memory.said, command.command_id)[-REMEMBERED_MAX:]
        standing = (*self._still(now), command)[-STANDING_MAX:]
        later = self._later_but(command)
        memory = structs.replace(self._memory, said=said, standing=standing, later=later)
        self._remember(memory)

    def _drop(self, command: Command) -> None:
        later = self._later_but(command)
        if later != self._memory.later:
            self._remember(structs.replace(self._memory, later=later))

    def _later_but(self, command: Command) -> tuple[Command, ...]:
        return tuple(c for c in self._memory.later if c.command_id != command.command_id)

    def _still(self, now: datetime) -> tuple[Command, ...]:
        return tuple(each for each in self._memory.standing if _is_seen(each, now))

    def _prompt(self, command: Command) -> dict[str, Any]:
        """Return the command, and beside it `text` in the language of this home."""
        text = command.text_zh if self._language == "zh" else command.text_en
        return {"prompt": {**to_builtins(command), "text": text}}

    def _remember(self, memory: _Memory) -> None:
        """Keep in mind, and on the disk if it can be: that it is said matters more."""
        self._memory = memory
        try:
            with self._database.write() as cursor:
                cursor.execute(
                    "INSERT INTO meta VALUES (?, ?)"
                    " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (KEY, json.encode(memory).decode()),
                )
        except StorageError as error:
            log.warning("prompt not remembered", extra={"why": str(error)})


def _asks_for(device: str) -> Callable[[Command], bool]:
    return lambda command: command.do == "measure_again" and command.device == device


def _is_over(command: Command, now: datetime) -> bool:
    return now >= command.expires_at


def _is_answered(command: Command, at: datetime) -> bool:
    """Return whether a reading taken at that time is what a kept prompt will ask for."""
    return command.show_at is not None and command.show_at - at <= EARLY


def _is_seen(command: Command, now: datetime) -> bool:
    """Return whether the page has it; only what asks for something is missed."""
    missed_for = OVER_SHOWN if command.do == "measure_again" else timedelta()
    # On this side of the comparison: a year 9999 has nothing after it.
    return now - missed_for < command.expires_at


def _remembered(database: Database) -> _Memory:
    rows = database.read("SELECT value FROM meta WHERE key = ?", (KEY,))
    try:
        return _decode_memory(rows[0][0]) if rows else _Memory()
    except (DecodeError, ValidationError) as error:
        log.warning("prompts of before are unreadable", extra={"why": str(error)})
        return _Memory()
