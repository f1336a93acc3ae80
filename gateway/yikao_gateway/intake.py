"""Stores what a device notifies, the moment it arrives; whatever happens next, it is not lost.

A frame that completes an item is stored as that item; one that waits for its context is stored
as it came. Frames that arrive before the device's clock was compared wait too: a bonded device may
send at once, and a record dated with a wrong clock would keep that date for ever.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, tzinfo
from uuid import uuid4

from yikao_devices import gatt
from yikao_devices.assembler import Assembler
from yikao_devices.errors import FrameError
from yikao_devices.glucose import decode_glucose
from yikao_devices.models import GENERIC_CUFF, GENERIC_METER, Model, model_named
from yikao_devices.readings import Origin
from yikao_devices.wire import Item
from yikao_gateway.outbox import KeptFrame, Outbox


class Intake:
    """The storing side of one session with one device.

    now: the gateway's clock in the home's zone, aware.
    """

    def __init__(
        self, outbox: Outbox, device: str, model: Model, now: Callable[[], datetime]
    ) -> None:
        self._outbox = outbox
        self._device = device
        self._model = model
        self._now = now
        self._assembler = Assembler(model)
        self._session = uuid4().hex
        self._offset_s: float | None = None
        self._early: list[KeptFrame] | None = []
        self.new_items = 0
        """Items of this session that no earlier one had brought."""
        self.highest_record: int | None = None
        """Highest record number among the frames that could be read."""

    def clock_compared(self, offset_s: float) -> None:
        """Take note that the device's clock is `offset_s` ahead of ours."""
        self._offset_s = offset_s

    def begin(self) -> None:
        """Date the frames that came early; from now on each is dated as it comes."""
        early, self._early = self._early, None
        if early:
            self._assemble(
                [replace(frame, device_offset_s=self._offset_s) for frame in early], stored=True
            )

    def take(self, characteristic: int, data: bytes) -> None:
        """Store a frame before returning. Raises `StorageError`, and then nothing is stored."""
        arrived = self._now()
        frame = KeptFrame(
            self._device, self._model.name, characteristic, data, arrived, self._offset_s
        )
        if self._early is not None:
            self._outbox.keep(self._session, frame, (), arrived, complete=False)
            self._early.append(frame)
            return
        self._assemble([frame], stored=False)

    def finish(self) -> None:
        """Store as an item what still waits for a context that never came."""
        self.begin()
        if items := self._assembler.finish():
            self.new_items += self._outbox.keep(
                self._session, None, items, self._now(), complete=True
            )

    def _assemble(self, frames: list[KeptFrame], *, stored: bool) -> None:
        items = feed(self._assembler, frames)
        holding = self._assembler.holding
        self.new_items += self._outbox.keep(
            self._session,
            frames[-1] if holding and not stored else None,
            items,
            frames[-1].arrived_at,
            complete=not holding,
        )
        for frame in frames:
            self._note_record(frame)

    def _note_record(self, frame: KeptFrame) -> None:
        if frame.characteristic != gatt.GLUCOSE_MEASUREMENT:
            return
        try:
            record = decode_glucose(frame.data).seq
        except FrameError:
            # Stored as a refused frame; its number cannot be believed.
            return
        self.highest_record = max(record, self.highest_record or 0)


def feed(assembler: Assembler, frames: list[KeptFrame]) -> list[Item]:
    """Return the items that `frames`, in their order, complete."""
    items: list[Item] = []
    for frame in frames:
        origin = Origin(
            frame.device,
            frame.model,
            frame.arrived_at,
            frame.device_offset_s,
            assembler.model.sequence_is_cursor,
        )
        items += assembler.feed(frame.characteristic, frame.data, origin)
    return items


def recover(outbox: Outbox, zone: tzinfo) -> int:
    """Make items of the frames that a crash left behind; return how many of them are new.

    zone: the home's, in which device clocks are read. To be called before any session.
    """
    new = 0
    for session, frames in outbox.leftovers().items():
        frames = [replace(each, arrived_at=each.arrived_at.astimezone(zone)) for each in frames]
        assembler = Assembler(_model_of(frames[0]))
        items = feed(assembler, frames) + assembler.finish()
        new += outbox.keep(session, None, items, frames[-1].arrived_at, complete=True)
    return new


def _model_of(frame: KeptFrame) -> Model:
    """Return the entry by which the frame was taken, or the standard when it is no more."""
    known = model_named(frame.model)
    if known is not None:
        return known
    cuff = frame.characteristic == gatt.BLOOD_PRESSURE_MEASUREMENT
    return GENERIC_CUFF if cuff else GENERIC_METER
