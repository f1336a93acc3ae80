"""What is wrong with the gateway itself, told to people once, when it begins."""

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid5

from msgspec import structs

from yikao_devices.readings import NAMESPACE
from yikao_devices.wire import DeviceEvent
from yikao_gateway.errors import StorageFull
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.store.stock import Loss
from yikao_gateway.visits.visit import event_of

log = logging.getLogger(__name__)

DAMAGED: Final = "reading_damaged"
UNTOLD_MAX: Final = 100
"""Events that wait for room on the disk; the oldest go first, they are in the log."""


class Alarms:
    """The gateway's troubles; each becomes an event of the gateway's own name."""

    def __init__(self, gateway: str, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._outbox = outbox
        self._now = now
        self._on: set[tuple[str, str]] = set()
        self._untold: deque[DeviceEvent] = deque(maxlen=UNTOLD_MAX)

    @property
    def codes(self) -> frozenset[str]:
        """The troubles that are there now."""
        return frozenset(code for code, _ in self._on)

    def set(self, code: str, *, on: bool, about: str = "") -> None:
        """Say that trouble `code` with `about` is there or is over; repetitions are ignored."""
        trouble = (code, about)
        if not on:
            self._on.discard(trouble)
        elif trouble not in self._on:
            self._on.add(trouble)
            log.error("gateway in trouble", extra={"code": code, "about": about})
            self._tell(code)

    def repeat(self, code: str) -> None:
        """Tell once more of a trouble that is still there, for the sake of a receipt."""
        if code in self.codes:
            self._tell(code)

    def _tell(self, code: str) -> None:
        self._untold.append(event_of(self._gateway, code, self._now()))
        with contextlib.suppress(StorageFull):
            self.catch_up()

    def catch_up(self) -> None:
        """Tell what there was no room for when it began. Raises `StorageFull`."""
        while self._untold:
            self._outbox.add(self._untold[0], self._now())
            self._untold.popleft()

    def lost(self, losses: Sequence[Loss]) -> None:
        """Tell of items that the disk has changed: one event each, with the time of storing."""
        if losses:
            log.error("items damaged on the disk", extra={"count": len(losses)})
        at = self._now()
        self._outbox.keep(
            "", None, [self._event_of(loss, at) for loss in losses], at, complete=False
        )

    def _event_of(self, loss: Loss, at: datetime) -> DeviceEvent:
        """Return an event that is the same whenever it is told of this loss."""
        stored = loss.captured_at
        event = event_of(self._gateway, DAMAGED, stored or at)
        name = "|".join((self._gateway, "event", DAMAGED, str(loss.seq), str(stored)))
        return structs.replace(event, reading_id=uuid5(NAMESPACE, name))
