"""Listens for devices and visits them, one at a time; the radio's keeper.

Nothing is polled: a device is visited because it was heard. Cuffs go before meters, for a cuff is
awake for seconds only. A visit that fails is tried again when the device is next heard.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from yikao_devices.models import Conversation, Model, recognise
from yikao_gateway.attention import Attention
from yikao_gateway.radio.errors import RadioUnavailable
from yikao_gateway.radio.ports import Advertisement, Radio
from yikao_gateway.visit import Target, Visit, Visitor

log = logging.getLogger(__name__)

TRACKED_MAX: Final = 512
"""Devices remembered at once; beyond it the one that was heard first is forgotten."""
RADIO_RETRY_S: Final = 1.0
RADIO_RETRY_MAX_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Listed:
    """A device that the settings name; None leaves the model to be recognised."""

    model: Model | None = None
    passkey: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which devices are ours. With `only_listed` a neighbour's cuff is never read."""

    listed: Mapping[str, Listed]
    only_listed: bool
    passkey: int | None = None
    """For devices that are not listed."""

    def target(self, heard: Advertisement) -> Target | None:
        """Return how to visit the device that was heard, or None when it is not ours."""
        entry = self.listed.get(heard.address)
        if entry is None and self.only_listed:
            return None
        entry = entry or Listed(passkey=self.passkey)
        model = entry.model or recognise(heard.name, heard.services)
        return None if model is None else Target(heard.address, model, entry.passkey)


class Agent:
    """Visits what it hears until it is cancelled.

    on_visit: called after each visit. on_radio: told the trouble when the radio fails, None when
    it listens. monotonic: real seconds, for pauses only.
    """

    def __init__(
        self,
        visitor: Visitor,
        choice: Choice,
        attention: Callable[[], Attention],
        on_visit: Callable[[Target, Visit], None],
        on_radio: Callable[[str | None], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._visitor = visitor
        self._radio: Radio = visitor.radio
        self._choice = choice
        self._new_attention = attention
        self._on_visit = on_visit
        self._on_radio = on_radio
        self._monotonic = monotonic
        self._tracked: dict[str, Attention] = {}
        self._line: dict[str, Target] = {}
        self._arrival = asyncio.Event()
        self._busy: str | None = None
        self._unknown: set[str] = set()

    @property
    def tracked(self) -> Mapping[str, Attention]:
        """Every device of ours that was heard, by address."""
        return self._tracked

    @property
    def idle(self) -> bool:
        """Whether nobody is being visited or waits for it."""
        return self._busy is None and not self._line

    async def listen(self) -> None:
        """Visit devices until the radio is lost. Raises `RadioUnavailable`, `StorageError`."""
        await self._radio.start(self._hear)
        self._on_radio(None)
        visiting = asyncio.create_task(self._visit_all())
        lost = asyncio.create_task(self._radio.lost.wait())
        try:
            await asyncio.wait({visiting, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (visiting, lost):
                task.cancel()
            # The visit under way hangs up and stores what it holds.
            await asyncio.wait({visiting, lost})
            await self._radio.stop()
        if not visiting.cancelled():
            visiting.result()

    async def listen_for_ever(self) -> None:
        """Listen; a radio that is missing or lost is tried again, ever less often.

        Raises `StorageError`.
        """
        pause_s = RADIO_RETRY_S
        while True:
            try:
                await self.listen()
                pause_s = RADIO_RETRY_S
                self._on_radio("the radio was lost")
            except RadioUnavailable as error:
                self._on_radio(str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RADIO_RETRY_MAX_S)

    def _hear(self, heard: Advertisement) -> None:
        """Take a place in the line when it is time; called for every advertisement in the air."""
        target = self._choice.target(heard)
        if target is None:
            self._wonder(heard)
            return
        if heard.address == self._busy:
            return
        attention = self._tracked.get(heard.address)
        if attention is None:
            attention = self._track(heard.address)
        if attention.hear(self._monotonic()) and heard.address not in self._line:
            self._line[heard.address] = target
            self._arrival.set()

    def _wonder(self, heard: Advertisement) -> None:
        """Say once that a listed device is of no kind we know."""
        if heard.address in self._choice.listed and heard.address not in self._unknown:
            self._unknown.add(heard.address)
            log.warning(
                "listed device not recognised: write its model into the settings",
                extra={"device": heard.address, "services": sorted(heard.services)},
            )

    def _track(self, address: str) -> Attention:
        log.info("device heard", extra={"device": address})
        if len(self._tracked) >= TRACKED_MAX:
            del self._tracked[next(iter(self._tracked))]
        attention = self._tracked[address] = self._new_attention()
        return attention

    async def _visit_all(self) -> None:
        while True:
            await self._arrival.wait()
            target = self._next()
            if target is not None:
                await self._visit(target)

    def _next(self) -> Target | None:
        """Take the first cuff out of the line, else the first device."""
        if not self._line:
            self._arrival.clear()
            return None
        cuffs = (a for a, t in self._line.items() if t.model.conversation is Conversation.CUFF)
        return self._line.pop(next(cuffs, next(iter(self._line))))

    async def _visit(self, target: Target) -> None:
        self._busy = target.address
        try:
            visit = await self._visitor.visit(target)
        finally:
            self._busy = None
        attention = self._tracked.get(target.address)
        if attention is not None:
            attention.visited(
                self._monotonic(), new_items=visit.new_items, failed=visit.problem is not None
            )
        log.log(
            logging.INFO if visit.new_items or visit.problem else logging.DEBUG,
            "device visited",
            extra={"device": target.address, "new": visit.new_items, "problem": visit.problem},
        )
        self._on_visit(target, visit)
