"""What is wrong with the gateway itself, told to people once, when it begins."""

import logging
from collections.abc import Callable
from datetime import datetime

from yikao_gateway.outbox import Outbox
from yikao_gateway.visit import event_of

log = logging.getLogger(__name__)


class Alarms:
    """The gateway's troubles; each becomes an event of the gateway's own name."""

    def __init__(self, gateway: str, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._outbox = outbox
        self._now = now
        self._on: set[tuple[str, str]] = set()

    def set(self, code: str, *, on: bool, about: str = "") -> None:
        """Say that trouble `code` with `about` is there or is over; repetitions are ignored."""
        trouble = (code, about)
        if not on:
            self._on.discard(trouble)
        elif trouble not in self._on:
            self._on.add(trouble)
            log.error("gateway in trouble", extra={"code": code, "about": about})
            at = self._now()
            self._outbox.add(event_of(self._gateway, code, at), at)
