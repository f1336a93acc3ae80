"""Stores what a device notifies, the moment it arrives; whatever happens next, it is not lost.

A frame that completes an item is stored as that item; others are stored as they came, until they
can be dated. Four things are waited for. A bonded device may send before its clock was compared.
A meter's records are dated together at the end, by the order of their numbers: a clock that was
set in between shows only there. A result whose link was lost before its context came waits for the
device to be read again (`release`). And while the gateway does not know the time itself, nothing
is dated at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from yikao_devices.assembler import Assembler, measurements_of
from yikao_devices.clock_epochs import ClockSeen
from yikao_devices.models import Model
from yikao_devices.wire import Item
from yikao_gateway.household.home_clock import Now
from yikao_gateway.store.frames import KeptFrame
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.dating import (
    awaits_context,
    feed,
    is_numbered,
    numbered_result,
    wall_offset_s,
    whole_first,
    zone_s,
)
from yikao_gateway.visits.release import session_name

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
        self._session = session_name(line)
        self._assembler = Assembler(model)
        self.measurements = measurements_of(model)
        """Characteristics whose notifications are taken; others belong to the conversation."""
        self._waiting: list[KeptFrame] = []
        self._last: KeptFrame | None = None
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
            self._keep(None, self._dated_items(), complete=not self._assembler.holding)

    def take(self, characteristic: int, data: bytes) -> None:
        """Store a frame before returning. Raises `StorageError`, and then nothing is stored."""
        arrived = self._now()
        frame = self._dated(
            KeptFrame(self._device, self._model.name, characteristic, data, arrived, None)
        )
        if self._dating:
            items = feed(self._assembler, [frame], self._before)
            holding = self._assembler.holding
            # A sample of a stream gives nothing yet, and waits for its minute in memory.
            if items or holding:
                self._keep(frame if holding else None, items, complete=not holding)
        else:
            self._outbox.keep(self._session, frame, (), arrived, complete=False)
            self._waiting.append(frame)
        self._last = frame
        self._note_record(frame)

    def finish(self, *, drained: bool) -> None:
        """Make items of what waits for the end, and of what waits for a context in vain.

        drained: the device said everything it had to say. Else it is asked for it again, and a
        last result that was cut off from its context goes on waiting, on the disk. So does all
        of it where the gateway does not know the time.
        """
        if self._line is not None or not (self._waiting or self._assembler.unfinished):
            return
        items = self._dated_items()
        if not drained and self._last is not None and awaits_context(self._last):
            self._keep(self._dated(self._last), items, complete=True)
        else:
            self._keep(None, items + self._assembler.finish(), complete=True)

    def _dated_items(self) -> list[Item]:
        frames, self._waiting = [self._dated(each) for each in self._waiting], []
        return feed(self._assembler, frames, self._before)

    def _keep(self, frame: KeptFrame | None, items: Sequence[Item], *, complete: bool) -> None:
        """Store items and a frame that waits; `complete`: of the session nothing else waits."""
        self.new_items += self._outbox.keep(
            self._session, frame, whole_first(items), self._now(), complete=complete
        )

    def _dated(self, frame: KeptFrame) -> KeptFrame:
        ahead_s = self.clock.ahead_s if self.clock is not None else None
        return replace(frame, device_offset_s=wall_offset_s(ahead_s, frame.arrived_at))

    def _note_record(self, frame: KeptFrame) -> None:
        result = numbered_result(frame)
        if result is not None:
            self.highest_record = max(result.seq, self.highest_record or 0)
