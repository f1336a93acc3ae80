"""What the server wants shown at home: "please measure again". Too late is not shown."""

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import DecodeError, to_builtins

from yikao_devices.wire import Command, CommandResult, decode_command

log = logging.getLogger(__name__)

REMEMBERED_MAX: Final = 100
"""Commands that are known to have been shown; a broker may deliver one twice."""

Show = Callable[[dict[str, Any]], None]


class Prompts:
    """Shows commands and answers them.

    show: is given what to display, a JSON object; the gateway's display until it has a page.
    """

    def __init__(
        self, language: Literal["zh", "en"], now: Callable[[], datetime], show: Show
    ) -> None:
        self._language = language
        self._now = now
        self._show = show
        self._shown: deque[UUID] = deque(maxlen=REMEMBERED_MAX)

    def receive(self, payload: bytes) -> CommandResult | None:
        """Show a command unless it has expired; return the answer, None for no command at all."""
        try:
            command = decode_command(payload)
        except (DecodeError, UnicodeDecodeError) as error:
            log.warning("command unreadable", extra={"why": str(error)})
            return None
        now = self._now()
        if command.command_id not in self._shown:
            if now >= command.expires_at:
                return CommandResult(command.command_id, "expired", now)
            self._shown.append(command.command_id)
            self._show(self._prompt(command))
        return CommandResult(command.command_id, "shown", now)

    def _prompt(self, command: Command) -> dict[str, Any]:
        """Return the command, and beside it `text` in the language of this home."""
        text = command.text_zh if self._language == "zh" else command.text_en
        return {"prompt": {**to_builtins(command), "text": text}}
