"""Stores what a device notifies, the moment it arrives; whatever happens next, it is not lost.

A frame that completes an item is stored as that item; others are stored as they came, until they
can be dated. Three things are waited for. A bonded device may send before its clock was compared.
A meter's records are dated together at the end, by the order of their numbers: a clock that was
set in between shows only there. And while the gateway does not know the time itself, nothing is
dated at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final
from uuid import uuid4

from yikao_devices import gatt
from yikao_devices.assembler import Assembler, measurements_of
from yikao_devices.clock_epochs import ClockSeen
from yikao_devices.models import GENERIC_CUFF, GENERIC_METER, Model, model_named
from yikao_devices.wire import Item
from yikao_gateway.household.home_clock import HomeClock, Now
from yikao_gateway.store.outbox import KeptFrame, Outbox
from yikao_gateway.visits.dating import (
    feed,
    is_numbered,
    later,
    numbered_result,
    wall_offset_s,
    zone_s,
)
from yikao_gateway.visits.known_devices import KnownDevices

UNSET: Final = "unset"
"""How the name of a session begins in which the gateway did not know the time."""

Remember = Callable[[ClockSeen], None]


class Intake:
    """The storing side of one session with one device.

    now: the gateway's clock in the home's zone, aware. before: the device's clock at the last
    visit. remember: is told of the clock before it is set. line: names the run of a gateway's
    clock that is not set (`HomeClock.line`).
    """

    def __init__(
        self,
        outbox: Outbox,
        device: str,
        model: Model,
        now: Now,
        before: ClockSeen | None = None,
        remember: Remember | None = None,
        line: str | None = None,
    ) -> None:
        self._outbox = outbox
        self._device = device
        self._model = model
        self._now = now
        self._before = before
        self._remember = remember
        self._line = line
        self._session = f"{UNSET} {line} {uuid4().hex}" if line else uuid4().hex
        self._assembler = Assembler(model)
        self.measurements = measurements_of(model)
        """Characteristics whose notifications are taken; others belong to the conversation."""
        self._waiting: list[KeptFrame] = []
        self._as_it_comes = line is None and not is_numbered(model)
        self._dating = False
        self.clock: ClockSeen | None = None
        """What the device's clock was found to be."""
        self.new_items = 0
        """Items of this session that no earlier one had brought."""
        self.highest_record: int | None = None
        """Highest record number among the frames that could be read."""

    def clock_compared(self, offset_s: float) -> None:
        """Take note that the device's clock is `offset_s` ahead of ours."""
        now = self._now()
        self.clock = ClockSeen(now, offset_s + zone_s(now))

    def clock_will_be_set(self) -> None:
        """Take note, on the disk, that what the device's clock was ends here."""
        self.clock = replace(self.clock or ClockSeen(self._now(), None), over=True)
        if self._remember is not None:
            self._remember(self.clock)

    def begin(self) -> None:
        """Date the frames that came early; from now on each that can be is dated as it comes."""
        self._dating = self._as_it_comes
        if self._dating and self._waiting:
            self._assemble()

    def take(self, characteristic: int, data: bytes) -> None:
        """Store a frame before returning. Raises `StorageError`, and then nothing is stored."""
        arrived = self._now()
        frame = self._dated(
            KeptFrame(self._device, self._model.name, characteristic, data, arrived, None)
        )
        if self._dating:
            items = feed(self._assembler, [frame], self._before)
            self._keep(frame if self._assembler.holding else None, items)
        else:
            self._outbox.keep(self._session, frame, (), arrived, complete=False)
            self._waiting.append(frame)
        self._note_record(frame)

    def finish(self) -> None:
        """Make items of what waits for the end, and of what waits for a context in vain.

        Where the gateway does not know the time all of it goes on waiting, on the disk.
        """
        if self._line is None and (self._waiting or self._assembler.holding):
            self._assemble(finish=True)

    def _assemble(self, *, finish: bool = False) -> None:
        frames, self._waiting = [self._dated(each) for each in self._waiting], []
        items = feed(self._assembler, frames, self._before)
        self._keep(None, items + self._assembler.finish() if finish else items)

    def _keep(self, frame: KeptFrame | None, items: Sequence[Item]) -> None:
        """Store items, and `frame` when it waits for another; the others are in items then."""
        complete = not self._assembler.holding
        self.new_items += self._outbox.keep(
            self._session, frame, items, self._now(), complete=complete
        )

    def _dated(self, frame: KeptFrame) -> KeptFrame:
        ahead_s = self.clock.ahead_s if self.clock is not None else None
        return replace(frame, device_offset_s=wall_offset_s(ahead_s, frame.arrived_at))

    def _note_record(self, frame: KeptFrame) -> None:
        result = numbered_result(frame)
        if result is not None:
            self.highest_record = max(result.seq, self.highest_record or 0)


def recover(outbox: Outbox, devices: KnownDevices, clock: HomeClock, *, wait: bool = True) -> int:
    """Make items of frames that were left behind; return how many of them are new.

    Left behind by a crash, or because the gateway did not know the time: these are left again
    while it does not, unless it is not to `wait`. To be called while no device is visited.
    """
    new = 0
    for session, frames in outbox.leftovers().items():
        line = _line_of(session)
        if line is not None and clock.line is not None and wait:
            continue
        late_s = clock.late_s(line) if line is not None else 0.0
        if late_s is None:
            # The latest that it can be. What the clock was compared with nobody knows any more.
            late_s = (clock() - frames[-1].arrived_at).total_seconds()
            frames = [replace(each, device_offset_s=None) for each in frames]
        known = devices.get(frames[0].device)
        assembler = Assembler(_model_of(frames[0]))
        items = feed(
            assembler,
            later(frames, late_s, clock.zone),
            known.clock if known is not None else None,
            clock_unset=line is not None and clock.late_s(line) is None,
        )
        items += assembler.finish()
        new += outbox.keep(session, None, items, clock(), complete=True)
    return new


def _line_of(session: str) -> str | None:
    """Return on which run of an unset clock a session was, None where the clock was set."""
    return session.split()[1] if session.startswith(f"{UNSET} ") else None


def _model_of(frame: KeptFrame) -> Model:
    """Return the entry by which the frame was taken, or the standard when it is no more."""
    known = model_named(frame.model)
    if known is not None:
        return known
    cuff = frame.characteristic == gatt.BLOOD_PRESSURE_MEASUREMENT
    return GENERIC_CUFF if cuff else GENERIC_METER
