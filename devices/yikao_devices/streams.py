"""Takes what streams second by second, and gives one reading for each minute that is over.

Nothing of a stream is kept on the disk before its minute is over: the device goes on sending, and
what a power cut can take is less than a minute of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yikao_devices import gatt
from yikao_devices.items_heart_rate import heart_rate_of, heart_rate_sample
from yikao_devices.items_oximetry import oximetry_of, oximetry_sample
from yikao_devices.minutes import SAMPLES_MAX, Minute, Sample, begin_of, minute_of
from yikao_devices.readings import Origin
from yikao_devices.wire import Item, Reading

_KINDS: Final[dict[int, tuple[Callable[[bytes], Sample], Callable[[Minute], Reading]]]] = {
    gatt.HEART_RATE_MEASUREMENT: (heart_rate_sample, heart_rate_of),
    gatt.PLX_CONTINUOUS_MEASUREMENT: (oximetry_sample, oximetry_of),
}
STREAMS: Final = frozenset(_KINDS)
"""Characteristics that stream."""


@dataclass(slots=True)
class _Running:
    """The minute that is not over yet. origin: of its last sample."""

    begins: datetime
    origin: Origin
    samples: list[Sample] = field(default_factory=list)


class Streams:
    """State of one connection."""

    def __init__(self) -> None:
        self._running: dict[int, _Running] = {}

    @property
    def running(self) -> bool:
        """Whether a minute has begun."""
        return bool(self._running)

    def feed(self, characteristic: int, frame: bytes, origin: Origin) -> list[Item]:
        """Return the reading of the minute before, where this sample is of another.

        Refuses what cannot be decoded with `FrameError`.
        """
        sample = _KINDS[characteristic][0](frame)
        begins = begin_of(origin.arrived_at)
        now = self._running.get(characteristic)
        done: list[Item] = []
        if now is not None and now.begins != begins:
            done = self._end(characteristic)
            now = None
        if now is None:
            now = self._running[characteristic] = _Running(begins, origin)
        now.origin = origin
        if len(now.samples) < SAMPLES_MAX:
            now.samples.append(sample)
        return done

    def finish(self) -> list[Item]:
        """Return the readings of the minutes that were cut off, where there is enough of them."""
        return [item for characteristic in (*self._running,) for item in self._end(characteristic)]

    def _end(self, characteristic: int) -> list[Item]:
        over = self._running.pop(characteristic)
        minute = minute_of(over.begins, over.samples, over.origin)
        return [] if minute is None else [_KINDS[characteristic][1](minute)]
