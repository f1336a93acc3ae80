"""One visit to one device: connect, empty it, remember how far it was read, and what was wrong."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import uuid5

from yikao_devices.conversation import Outcome, Talk
from yikao_devices.cuff_talk import read_cuff
from yikao_devices.meter_talk import read_meter
from yikao_devices.models import Conversation, Model
from yikao_devices.readings import NAMESPACE
from yikao_devices.wire import Clocks, DeviceEvent
from yikao_gateway.engine import Mailbox, converse
from yikao_gateway.intake import Intake
from yikao_gateway.known_devices import RECORD_MAX, KnownDevice, KnownDevices
from yikao_gateway.outbox import Outbox
from yikao_gateway.radio.errors import (
    DeadlinePassed,
    DeviceBusy,
    DeviceError,
    DeviceGone,
    NoSuchCharacteristic,
    PairingRefused,
    PasskeyNeeded,
    StaleBond,
    WrongPasskey,
)
from yikao_gateway.radio.ports import Link, Pairing, Radio

log = logging.getLogger(__name__)

CONNECT_DEADLINE_S: Final = 15.0
"""For connecting, pairing and discovery together; a person may have to confirm the pairing."""
VISIT_MAX_S: Final = 1800.0
"""A full meter of 20 000 records at the slowest rate seen (16 a second) takes 1250 s."""
BATTERY_LOW_PCT: Final = 20

BATTERY_LOW: Final = "battery_low"
TOO_LONG: Final = "visit_too_long"

_PROBLEMS: Final[dict[type[DeviceError], str]] = {
    DeviceGone: "window_missed",
    DeadlinePassed: "window_missed",
    DeviceBusy: "device_busy",
    StaleBond: "stale_bond",
    WrongPasskey: "wrong_passkey",
    PasskeyNeeded: "passkey_needed",
    PairingRefused: "pairing_refused",
    NoSuchCharacteristic: "service_missing",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A device to visit, and how."""

    address: str
    model: Model
    passkey: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """How a visit went: `new_items` nobody had before; `problem` None for a complete drain."""

    new_items: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Makes visits, one at a time. now: the gateway's clock in the home's zone, aware."""

    radio: Radio
    outbox: Outbox
    devices: KnownDevices
    now: Callable[[], datetime]

    async def visit(self, target: Target) -> Visit:
        """Empty a device, and note what became of it.

        Raises `RadioUnavailable` when the gateway's own radio failed, and `StorageError` when a
        frame could not be stored: then nothing may be read any more.
        """
        before = self.devices.get(target.address) or KnownDevice(
            target.address, target.model.name, {}, None, None, False
        )
        intake = Intake(self.outbox, target.address, target.model, self.now)
        outcome, problem = None, None
        try:
            async with asyncio.timeout(VISIT_MAX_S):
                outcome = await self._drain(target, before, intake)
            problem = outcome.problem
        except TimeoutError:
            problem = TOO_LONG
        except DeviceError as error:
            problem = _PROBLEMS.get(type(error), "protocol_error")
            log.info("visit failed", extra={"device": target.address, "why": str(error)})
        finally:
            intake.finish()
        self._note(before, target, outcome, problem, intake)
        return Visit(intake.new_items, problem)

    async def _drain(self, target: Target, before: KnownDevice, intake: Intake) -> Outcome:
        mailbox = Mailbox(intake)
        link = await self._connect(target, mailbox)
        try:
            talk = _talk(target.model, link, before)
            outcome = await converse(talk, link, mailbox, intake, self.now)
        finally:
            await link.disconnect()
        mailbox.check()
        return outcome

    async def _connect(self, target: Target, mailbox: Mailbox) -> Link:
        """Bond first where the model wants it; a device that does not bond is then read as it is.

        Others are bonded by the radio when they refuse their first request.
        """

        async def connect(pair: bool) -> Link:
            return await self.radio.connect(
                target.address,
                on_notification=mailbox.take,
                pairing=Pairing(pair, target.passkey),
                deadline_s=CONNECT_DEADLINE_S,
            )

        if target.model.bond_first or target.passkey is not None:
            with contextlib.suppress(PairingRefused):
                return await connect(True)
        return await connect(False)

    def _note(
        self,
        before: KnownDevice,
        target: Target,
        outcome: Outcome | None,
        problem: str | None,
        intake: Intake,
    ) -> None:
        """Remember the device, and tell people what has changed for the worse."""
        at = self.now()
        battery = outcome.battery_pct if outcome is not None else None
        low = before.battery_low if battery is None else battery <= BATTERY_LOW_PCT
        next_record = before.next_record
        if problem is None and intake.highest_record is not None:
            # Only after a complete drain: below the mark nothing is asked for again.
            next_record = intake.highest_record + 1
        after = replace(
            before,
            model=target.model.name,
            identity=(outcome.identity if outcome is not None else {}) or before.identity,
            next_record=next_record,
            problem=problem,
            battery_low=low,
        )
        if problem is not None and problem != before.problem:
            self.outbox.add(event_of(target.address, problem, at), at)
        if low and not before.battery_low:
            self.outbox.add(event_of(target.address, BATTERY_LOW, at), at)
        self.devices.note(after, at)


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
    present, known = link.characteristics(), bool(before.identity)
    if model.conversation is Conversation.CUFF:
        return read_cuff(model, present, known)
    cursor = before.next_record
    if cursor is not None and cursor > RECORD_MAX:
        cursor = None
    return read_meter(model, present, known, cursor)
