"""One visit to one device: connect, empty it, remember how far it was read, and what was wrong.

A first pairing is proved by a second session: some devices keep a bond until they are switched off,
and no longer. Only a person who stands there is told so, for only he can repeat it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Final
from uuid import uuid5

from yikao_devices.clock_epochs import ClockSeen, remembered
from yikao_devices.conversation import Outcome, Talk
from yikao_devices.models import ClockRule, Model
from yikao_devices.readings import NAMESPACE
from yikao_devices.talks import talk_with
from yikao_devices.wire import Clocks, DeviceEvent
from yikao_gateway.household.home_clock import no_line
from yikao_gateway.radio.errors import (
    DeadlinePassed,
    DeviceBusy,
    DeviceError,
    DeviceGone,
    NoSuchCharacteristic,
    PairingClosed,
    PairingRefused,
    PasskeyNeeded,
    StaleBond,
    WrongPasskey,
)
from yikao_gateway.radio.ports import DIGITS_MAX_S, Link, Pairing, Radio
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.choice import Consent, Target
from yikao_gateway.visits.engine import Mailbox, converse
from yikao_gateway.visits.intake import Intake
from yikao_gateway.visits.known_devices import RECORD_MAX, KnownDevice, KnownDevices
from yikao_gateway.visits.pairing_mode import PairingMode

log = logging.getLogger(__name__)

IsWanted = Callable[[], bool]
"""Tells that a device waits for this radio that will soon be gone."""

PROOF_WINDOW_S: Final = 5.0
"""For the second session: a device that is still awake advertises within a second."""
VISIT_MAX_S: Final = 1800.0
"""A full meter of 20 000 records at the slowest rate seen (16 a second) takes 1250 s."""
BATTERY_LOW_PCT: Final = 20

BATTERY_LOW: Final = "battery_low"
TOO_LONG: Final = "visit_too_long"
STALE_BOND: Final = "stale_bond"
BOND_PROVED: Final = "bond_proved"
BOND_UNPROVED: Final = "bond_unproved"

_PROBLEMS: Final[dict[type[DeviceError], str]] = {
    DeviceGone: "window_missed",
    DeadlinePassed: "window_missed",
    DeviceBusy: "device_busy",
    StaleBond: STALE_BOND,
    WrongPasskey: "wrong_passkey",
    PasskeyNeeded: "passkey_needed",
    PairingRefused: "pairing_refused",
    PairingClosed: "pairing_needed",
    NoSuchCharacteristic: "service_missing",
}
BOND_PROBLEMS: Final = frozenset(
    {STALE_BOND, "wrong_passkey", "passkey_needed", "pairing_refused", "pairing_needed"}
)


class Bond(Enum):
    """What a visit did to the bond with a device."""

    AS_BEFORE = "as_before"
    PROVED = "proved"
    """New, and it served a second session."""
    UNPROVED = "unproved"
    """New, and nobody knows yet whether it lasts."""


@dataclass(frozen=True, slots=True)
class Visit:
    """How a visit went: `new_items` nobody had before; `problem` None for a complete drain."""

    new_items: int
    problem: str | None
    bond: Bond = Bond.AS_BEFORE

    @property
    def hopeless(self) -> bool:
        """Whether only a person can make the next visit a better one."""
        return self.problem == STALE_BOND


@dataclass(frozen=True, slots=True)
class Session:
    """What one connection brought."""

    outcome: Outcome | None
    problem: str | None
    new_items: int
    highest_record: int | None
    clock: ClockSeen | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Makes visits, one at a time. now: the gateway's clock in the home's zone, aware.

    pairing_mode: where a person answers for the digits. monotonic: real seconds. line: names the
    line on which the gateway counts its time while it does not know it.
    """

    radio: Radio
    outbox: Outbox
    devices: KnownDevices
    now: Callable[[], datetime]
    pairing_mode: PairingMode = field(default_factory=PairingMode)
    monotonic: Callable[[], float] = time.monotonic
    line: Callable[[], str | None] = no_line

    async def visit(self, target: Target, is_wanted: IsWanted = lambda: False) -> Visit:
        """Empty a device, and note what became of it; a stream is left when others want the radio.

        Raises `RadioUnavailable` when the gateway's own radio failed, and `StorageError` when a
        frame could not be stored: then nothing may be read any more.
        """
        before = self.devices.get(target.address) or KnownDevice(
            target.address, target.model.name, {}, None, None, False
        )
        is_present = target.consent is Consent.PRESENT
        if is_present and before.problem == STALE_BOND:
            # Never without a person: whoever takes over an address would be paired.
            with contextlib.suppress(DeviceError):
                await self.radio.forget(target.address)
        had_bond = is_present and await self._has_bond(target)
        first = await self._session(target, before, target.model.window_s, is_wanted)
        after, bond, more = _remember(before, target, first), Bond.AS_BEFORE, 0
        if is_present and not had_bond and await self._has_bond(target):
            alone = replace(target, consent=Consent.NONE)
            again = await self._session(alone, after, PROOF_WINDOW_S, is_wanted)
            more = again.new_items
            after = _remember(after, target, again) if again.problem is None else after
            bond = Bond.UNPROVED if again.problem else Bond.PROVED
        self._note(before, after, bond)
        return Visit(first.new_items + more, first.problem, bond)

    async def _has_bond(self, target: Target) -> bool:
        return target.address in await self.radio.bonded()

    async def _session(
        self, target: Target, before: KnownDevice, window_s: float, is_wanted: IsWanted
    ) -> Session:
        began, line = self.now(), self.line()
        remember = partial(self.devices.note_clock, target.address, target.model.name)
        intake = Intake(
            self.outbox, target.address, target.model, self.now, before.clock, remember, line
        )
        if line is not None:
            # Nobody's clock is set by one that is not set itself.
            target = replace(target, model=replace(target.model, clock=ClockRule.COMPARE))
        outcome = None
        try:
            async with asyncio.timeout(VISIT_MAX_S):
                outcome = await self._drain(target, before, intake, window_s, is_wanted)
            problem = outcome.problem
        except TimeoutError:
            problem = TOO_LONG
        except DeviceError as error:
            problem = _PROBLEMS.get(type(error), "protocol_error")
            log.info("visit failed", extra={"device": target.address, "why": str(error)})
        finally:
            intake.finish(drained=outcome is not None and outcome.problem is None)
        clock = intake.clock
        if clock is None and outcome is not None:
            clock = ClockSeen(began, None)
        return Session(
            outcome,
            problem,
            intake.new_items,
            intake.highest_record,
            clock if line is None else None,
        )

    async def _drain(
        self,
        target: Target,
        before: KnownDevice,
        intake: Intake,
        window_s: float,
        is_wanted: IsWanted,
    ) -> Outcome:
        mailbox = Mailbox(intake)
        link = await self._connect(target, mailbox, window_s)
        linked_s = self.monotonic()

        def may_stay(longest_s: float) -> bool:
            return self.monotonic() - linked_s < longest_s and not is_wanted()

        try:
            talk = _talk(target.model, link, before)
            outcome = await converse(talk, link, mailbox, intake, self.now, may_stay)
        finally:
            await link.disconnect()
        mailbox.check()
        return outcome

    async def _connect(self, target: Target, mailbox: Mailbox, window_s: float) -> Link:
        """Bond first where model or person want it; what does not bond is then read as it is.

        Others are bonded by the radio when they refuse their first request. One deadline covers
        connecting, pairing and discovery.
        """

        async def connect(pairing: Pairing) -> Link:
            patience_s = DIGITS_MAX_S if pairing.ask is not None else 0.0
            return await self.radio.connect(
                target.address,
                on_notification=mailbox.take,
                pairing=pairing,
                deadline_s=window_s + patience_s,
            )

        pairing = self._pairing(target)
        if pairing.pair:
            with contextlib.suppress(PairingRefused):
                return await connect(pairing)
        return await connect(replace(pairing, pair=False))

    def _pairing(self, target: Target) -> Pairing:
        """Return on what terms `target` may be paired."""
        if target.consent is Consent.NONE:
            return Pairing(pair=False, allowed=False)
        if target.consent is Consent.WRITTEN:
            wants_bond = target.model.bond_first or target.passkey is not None
            return Pairing(wants_bond, target.passkey)
        mode, address = self.pairing_mode, target.address
        return Pairing(
            passkey=target.passkey,
            ask=lambda: mode.ask(address, self.monotonic()),
            show=lambda digits: mode.show(address, digits),
        )

    def _note(self, before: KnownDevice, after: KnownDevice, bond: Bond) -> None:
        """Remember the device, and tell people what has changed."""
        at = self.now()
        after = replace(after, problem=_standing(before.problem, after.problem, bond))
        for code in _news(before, after, bond):
            self.outbox.add(event_of(after.address, code, at), at)
        self.devices.note(after, at)


def _remember(before: KnownDevice, target: Target, session: Session) -> KnownDevice:
    """Return what is known of a device after a session with it."""
    outcome, next_record = session.outcome, before.next_record
    battery = outcome.battery_pct if outcome is not None else None
    if session.problem is None and session.highest_record is not None:
        # Only after a complete drain: below the mark nothing is asked for again.
        next_record = session.highest_record + 1
    return replace(
        before,
        model=target.model.name,
        identity=(outcome.identity if outcome is not None else {}) or before.identity,
        next_record=next_record,
        problem=session.problem,
        clock=remembered(before.clock, session.clock, complete=session.problem is None),
        battery_low=before.battery_low if battery is None else battery <= BATTERY_LOW_PCT,
    )


def _standing(before: str | None, problem: str | None, bond: Bond) -> str | None:
    """Return what is wrong after a visit with `problem`; an unproved bond is, until it served."""
    if bond is Bond.UNPROVED:
        return BOND_UNPROVED
    if before == BOND_UNPROVED and problem is not None and problem not in BOND_PROBLEMS:
        return BOND_UNPROVED
    return problem


def _news(before: KnownDevice, after: KnownDevice, bond: Bond) -> list[str]:
    """Return the events that a visit gives rise to: each trouble once, when it begins."""
    news = []
    if after.problem is not None and after.problem != before.problem:
        news.append(after.problem)
    if bond is Bond.PROVED or (before.problem == BOND_UNPROVED and after.problem is None):
        news.append(BOND_PROVED)
    if after.battery_low and not before.battery_low:
        news.append(BATTERY_LOW)
    return news


def event_of(device: str, code: str, at: datetime) -> DeviceEvent:
    """Return the event that `code` happened to `device`, or to the gateway of that name."""
    name = "|".join((device, "event", code, at.isoformat()))
    return DeviceEvent(
        reading_id=uuid5(NAMESPACE, name),
        device=device,
        measured_at=at,
        doubt_s=0.0,
        clocks=Clocks(t_hub=at),
        code=code,
    )


def _talk(model: Model, link: Link, before: KnownDevice) -> Talk:
    cursor = before.next_record
    if cursor is not None and cursor > RECORD_MAX:
        cursor = None
    return talk_with(model, link.characteristics(), bool(before.identity), cursor)
