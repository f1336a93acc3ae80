"""What the server wants said at home: "please measure again". Too late is not said.

A prompt stands until its time is over, or until what it asks for was measured; then it is told for
a while that its time is over, so that nobody wonders where it went. What was said is remembered on
the disk: a broker may deliver a command twice, also to a gateway that has started anew.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import DecodeError, Struct, ValidationError, json, to_builtins

from yikao_devices.wire import Command, CommandResult, Item, Reading, decode_command
from yikao_gateway.errors import StorageError
from yikao_gateway.store.database import Database

log = logging.getLogger(__name__)

REMEMBERED_MAX: Final = 100
"""Commands that are known to have been shown; an older one that comes again is shown again."""
STANDING_MAX: Final = 8
"""Prompts kept for the page; beyond it the oldest goes. A home has one or two at a time."""
OVER_SHOWN: Final = timedelta(minutes=30)
"""How long it is told that the time to measure again is over."""
FRESH: Final = timedelta(minutes=10)
"""So young is a reading that was taken because it was asked for."""
KEY: Final = "prompts"
"""Of the table `meta`."""

Show = Callable[[dict[str, Any]], None]


class _Memory(Struct, frozen=True):
    """What is remembered across restarts, as JSON; `said` and `standing` with the newest last."""

    said: tuple[UUID, ...] = ()
    standing: tuple[Command, ...] = ()


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
        """Show a command unless it has expired; return the answer, None for no command at all."""
        try:
            command = decode_command(payload)
        except (DecodeError, UnicodeDecodeError) as error:
            log.warning("command unreadable", extra={"why": str(error)})
            return None
        now, memory = self._now(), self._memory
        if command.command_id not in memory.said:
            if now >= command.expires_at:
                return CommandResult(command.command_id, "expired", now)
            self._show(self._prompt(command))
            # Remembered afterwards: a crash between the two says it twice, never not at all.
            said = (*memory.said, command.command_id)[-REMEMBERED_MAX:]
            self._remember(_Memory(said, (*self._still(now), command)[-STANDING_MAX:]))
        return CommandResult(command.command_id, "shown", now)

    def standing(self) -> list[Prompt]:
        """Return what is to be seen now, the newest first."""
        now = self._now()
        return [Prompt(each, each.expires_at <= now) for each in reversed(self._still(now))]

    def awaits(self, device: str) -> bool:
        """Return whether `device` is to be measured with again."""
        return any(map(_asks_for(device), self._still(self._now())))

    def read(self, device: str, items: Iterable[Item]) -> None:
        """Take note of what was just read of `device`: with a fresh reading among it, what asked
        for one has been done. Old ones from its memory answer nothing."""
        now = self._now()
        fresh = (
            isinstance(item, Reading) and item.device == device and now - item.measured_at < FRESH
            for item in items
        )
        if not any(fresh):
            return
        asks = _asks_for(device)
        still = tuple(each for each in self._still(now) if not asks(each))
        self._remember(_Memory(self._memory.said, still))

    def _still(self, now: datetime) -> tuple[Command, ...]:
        return tuple(each for each in self._memory.standing if now < _seen_until(each))

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


def _seen_until(command: Command) -> datetime:
    """Return until when the page has it; only what asks for something is missed."""
    if command.do == "measure_again":
        return command.expires_at + OVER_SHOWN
    return command.expires_at


def _remembered(database: Database) -> _Memory:
    rows = database.read("SELECT value FROM meta WHERE key = ?", (KEY,))
    try:
        return _decode_memory(rows[0][0]) if rows else _Memory()
    except (DecodeError, ValidationError) as error:
        log.warning("prompts of before are unreadable", extra={"why": str(error)})
        return _Memory()
