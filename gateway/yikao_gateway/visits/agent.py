"""Listens for devices and visits them, one at a time on each radio; the radios' keeper.

Nothing is polled: a device is visited because it was heard. Cuffs go before meters, for a cuff is
awake for seconds only, and meters before what streams. A visit that fails is tried again when the
device is next heard, unless only a person can help. A device that two radios hear is visited by
the one that is bonded with it, else by the one that hears it better, and never by both.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from yikao_gateway.radio.errors import RadioUnavailable
from yikao_gateway.radio.ports import Advertisement
from yikao_gateway.visits.air_watch import AirWatch, Remedy
from yikao_gateway.visits.attention import Attention
from yikao_gateway.visits.choice import Choice, Consent, Target
from yikao_gateway.visits.ear import Ear
from yikao_gateway.visits.pairing_mode import PairingMode
from yikao_gateway.visits.visit import Bond, Visit, Visitor

log = logging.getLogger(__name__)

TRACKED_MAX: Final = 512
"""Devices remembered at once; beyond it the stranger that was silent longest is forgotten."""
RADIO_RETRY_S: Final = 1.0
RADIO_RETRY_MAX_S: Final = 60.0
LOOK_EVERY_S: Final = 5.0
"""How often it is asked whether a radio still hears."""
BETTER_DB: Final = 6
"""A radio leaves a device to a free one that hears it so much better: half the distance."""

RADIO_UNAVAILABLE: Final = "radio_unavailable"
RADIO_RESET: Final = "radio_reset"

OnRadio = Callable[[str, str, str | None], None]
"""Takes a trouble's code, the radio's name, and what is wrong: None when that trouble is over."""


class Agent:
    """Visits what it hears until it is cancelled.

    visitors: one for each radio. on_visit: called after each visit. monotonic: real seconds, for
    pauses only. look_every_s: how often the radios are watched.
    """

    def __init__(
        self,
        visitors: Sequence[Visitor],
        choice: Choice,
        attention: Callable[[], Attention],
        on_visit: Callable[[Target, Visit], None],
        on_radio: OnRadio,
        monotonic: Callable[[], float],
        watch: Callable[[], AirWatch] = AirWatch,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._ears = [Ear(visitor, watch()) for visitor in visitors]
        self._pairing_mode: PairingMode = visitors[0].pairing_mode
        self._choice = choice
        self._new_attention = attention
        self._on_visit = on_visit
        self._on_radio = on_radio
        self._monotonic = monotonic
        self._look_every_s = look_every_s
        self._tracked: dict[str, Attention] = {}
        self._unknown: set[str] = set()

    @property
    def tracked(self) -> Mapping[str, Attention]:
        """Every device of ours that was heard, by address."""
        return self._tracked

    @property
    def idle(self) -> bool:
        """Whether nobody is being visited or waits for it."""
        return all(ear.idle for ear in self._ears)

    @property
    def visiting(self) -> frozenset[str]:
        """The devices that are being read at this moment."""
        return frozenset(ear.visiting for ear in self._ears if ear.visiting is not None)

    async def listen(self) -> None:
        """Visit devices until a radio is lost. Raises `RadioUnavailable`, `StorageError`."""
        await _first_of(*(self._listen(ear) for ear in self._ears))

    async def listen_for_ever(self) -> None:
        """Listen; a radio that is missing or lost is tried again, ever less often.

        Raises `StorageError`.
        """
        await _first_of(*(self._keep_listening(ear) for ear in self._ears))

    async def _keep_listening(self, ear: Ear) -> None:
        pause_s = RADIO_RETRY_S
        while True:
            try:
                await self._listen(ear)
                pause_s = RADIO_RETRY_S
                self._on_radio(RADIO_UNAVAILABLE, ear.name, "the radio was lost")
            except RadioUnavailable as error:
                self._on_radio(RADIO_UNAVAILABLE, ear.name, str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RADIO_RETRY_MAX_S)

    async def _listen(self, ear: Ear) -> None:
        await ear.radio.start(lambda heard: self._hear(ear, heard))
        try:
            ear.watch.rest(self._monotonic())
            ear.bonded = await ear.radio.bonded()
            await ear.radio.release(lambda linked: self._is_ours(ear, linked))
            self._on_radio(RADIO_UNAVAILABLE, ear.name, None)
            await _first_of(self._visit_all(ear), self._watch(ear), _until_set(ear.radio.lost))
        finally:
            # The visit that was under way has hung up and stored what it held.
            ear.clear()
            await ear.radio.stop()

    def _is_ours(self, ear: Ear, linked: Advertisement) -> bool:
        bonded = linked.address in ear.bonded
        return self._choice.target(linked, bonded=bonded) is not None

    def _hear(self, ear: Ear, heard: Advertisement) -> None:
        """Take a place in the line when it is time; called for every advertisement in the air."""
        now_s = self._monotonic()
        ear.watch.hear(now_s)
        target = self._choice.target(
            heard,
            bonded=any(heard.address in each.bonded for each in self._ears),
            mode_open=self._pairing_mode.is_open(now_s),
        )
        if target is None:
            self._wonder(heard)
            return
        ear.hear(heard, now_s)
        holder = next((each for each in self._ears if each.has(heard.address)), None)
        if holder is not None and not _may_leave(holder, ear, heard.address):
            return
        attention = self._track(heard.address)
        person = target.consent is Consent.PRESENT or heard.pairing_mode
        if attention.hear(now_s, person=person) and self._may_take(ear, heard.address, now_s):
            if holder is not None:
                holder.leave(heard.address)
            ear.enqueue(target)

    def _may_take(self, ear: Ear, address: str, now_s: float) -> bool:
        """Return whether `ear` is the one that visits a device, of those that hear it."""
        if any(address in each.bonded for each in self._ears):
            return address in ear.bonded
        enough_dbm = ear.strength_dbm(address, now_s) + BETTER_DB
        return not any(
            each.idle and each.strength_dbm(address, now_s) >= enough_dbm
            for each in self._ears
            if each is not ear
        )

    def _wonder(self, heard: Advertisement) -> None:
        """Say once that a listed device is of no kind we know."""
        if heard.address in self._choice.listed and heard.address not in self._unknown:
            self._unknown.add(heard.address)
            log.warning(
                "listed device not recognised: write its model into the settings",
                extra={"device": heard.address, "services": sorted(heard.services)},
            )

    def _track(self, address: str) -> Attention:
        """Return the attention for a device of ours; whoever was heard last stands last."""
        attention = self._tracked.pop(address, None)
        if attention is None:
            log.info("device heard", extra={"device": address})
            attention = self._new_attention()
            if len(self._tracked) >= TRACKED_MAX:
                strangers = (each for each in self._tracked if each not in self._choice.listed)
                del self._tracked[next(strangers, next(iter(self._tracked)))]
        self._tracked[address] = attention
        return attention

    async def _visit_all(self, ear: Ear) -> None:
        while True:
            target = await ear.next()
            async with ear.in_use:
                await self._visit(ear, target)

    async def _visit(self, ear: Ear, target: Target) -> None:
        ear.visiting = target.address
        try:
            visit = await ear.visitor.visit(target, lambda: ear.wanted)
            if target.consent is not Consent.NONE:
                ear.bonded = await ear.radio.bonded()
        finally:
            ear.visiting = None
        now_s = self._monotonic()
        ear.watch.rest(now_s)
        attention = self._tracked.get(target.address)
        if attention is not None:
            attention.visited(
                now_s,
                new_items=visit.new_items,
                failed=visit.problem is not None,
                hopeless=visit.hopeless,
            )
        if visit.bond is not Bond.AS_BEFORE:
            self._pairing_mode.has_paired(target.address, now_s)
        log.log(
            logging.INFO if visit.new_items or visit.problem else logging.DEBUG,
            "device visited",
            extra={"device": target.address, "new": visit.new_items, "problem": visit.problem},
        )
        self._on_visit(target, visit)

    async def _watch(self, ear: Ear) -> None:
        """Help a radio that no longer hears; one that stays deaf is reset, and people are told."""
        while True:
            await asyncio.sleep(self._look_every_s)
            if ear.was_reset and ear.watch.hears:
                ear.was_reset = False
                self._on_radio(RADIO_RESET, ear.name, None)
            async with ear.in_use:
                remedy = ear.watch.look(self._monotonic())
                if remedy is Remedy.RESCAN:
                    log.warning("nothing heard: listening anew", extra={"radio": ear.name})
                    remedy = await _rescan(ear)
                if remedy is Remedy.RESET:
                    ear.was_reset = True
                    self._on_radio(RADIO_RESET, ear.name, "it heard nothing any more")
                    await ear.radio.reset()
                    ear.bonded = await ear.radio.bonded()


def _may_leave(holder: Ear, ear: Ear, address: str) -> bool:
    """Return whether a device in the line of one radio may go to another that has nothing to do."""
    return holder.visiting not in (None, address) and ear.idle


async def _rescan(ear: Ear) -> Remedy:
    """Have a radio listen anew; return what is left to do."""
    try:
        await ear.radio.rescan()
    except RadioUnavailable as error:
        log.warning("cannot listen anew", extra={"radio": ear.name, "why": str(error)})
        return Remedy.RESET
    return Remedy.NONE


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends, then cancel the others; raise what the first raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if errors:
        raise errors[0]
