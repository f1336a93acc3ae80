"""One radio of the gateway: what it hears how well, whom it is bonded with, who waits for it."""

import asyncio
from typing import Final

from yikao_devices.models import Conversation
from yikao_gateway.radio.ports import Advertisement
from yikao_gateway.visits.air_watch import AirWatch
from yikao_gateway.visits.choice import Target
from yikao_gateway.visits.visit import Visitor

HEARD_MAX: Final = 512
"""Devices of ours whose strength is remembered, the last heard."""
STALE_S: Final = 3.0
"""A strength measured longer ago says nothing; devices advertise at least about every second."""
NOT_AT_ALL_DBM: Final = -128
PATIENCE: Final = {Conversation.METER: 1, Conversation.STRAP: 2}
"""A meter keeps its records and is reachable for long, a strap as long as it is worn; all others
are awake for seconds."""


class Ear:
    """A radio with its line of devices to visit; visits are made one at a time."""

    def __init__(self, visitor: Visitor, watch: AirWatch) -> None:
        self.visitor = visitor
        self.radio = visitor.radio
        self.name = visitor.radio.name
        self.watch = watch
        self.bonded: frozenset[str] = frozenset()
        self.visiting: str | None = None
        self.was_reset = False
        """It has not heard anything since it was reset."""
        self.in_use = asyncio.Lock()
        """Held during a visit, and while the radio is being helped."""
        self._line: dict[str, Target] = {}
        self._arrival = asyncio.Event()
        self._strengths: dict[str, tuple[int, float]] = {}

    @property
    def idle(self) -> bool:
        """Whether nobody is being visited or waits for it."""
        return self.visiting is None and not self._line

    def has(self, address: str) -> bool:
        """Return whether a device is being visited or stands in the line."""
        return address == self.visiting or address in self._line

    def hear(self, heard: Advertisement, at_s: float) -> None:
        """Note how well a device is heard."""
        strength = NOT_AT_ALL_DBM if heard.rssi is None else heard.rssi
        self._strengths.pop(heard.address, None)
        self._strengths[heard.address] = (strength, at_s)
        if len(self._strengths) > HEARD_MAX:
            del self._strengths[next(iter(self._strengths))]

    def strength_dbm(self, address: str, at_s: float) -> int:
        """Return how strongly a device was heard just now."""
        strength, heard_s = self._strengths.get(address, (NOT_AT_ALL_DBM, at_s))
        return strength if at_s - heard_s < STALE_S else NOT_AT_ALL_DBM

    def enqueue(self, target: Target) -> None:
        self._line[target.address] = target
        self._arrival.set()

    def leave(self, address: str) -> None:
        """Take a device out of the line; without effect when it is not in it."""
        self._line.pop(address, None)

    def clear(self) -> None:
        """Send everybody in the line away: they are heard again."""
        self._line.clear()

    async def next(self) -> Target:
        """Return the first of the line that is soon gone, else the first that is most patient."""
        while not self._line:
            self._arrival.clear()
            await self._arrival.wait()
        return self._line.pop(min(self._line, key=lambda a: _patience(self._line[a])))

    @property
    def wanted(self) -> bool:
        """Whether somebody in the line should not wait for a stream to end; another stream can."""
        return any(_patience(each) < PATIENCE[Conversation.STRAP] for each in self._line.values())


def _patience(target: Target) -> int:
    return PATIENCE.get(target.model.conversation, 0)
