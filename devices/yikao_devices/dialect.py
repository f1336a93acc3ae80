"""What a vendor's own protocol must bring along to be read like the standard: how to talk, and
how to make measurements of what is notified.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from yikao_devices.blood_pressure import BloodPressure
from yikao_devices.conversation import Talk
from yikao_devices.model import Model


class Records(Protocol):
    """Puts notified frames together; state of one connection, no I/O."""

    @property
    def rest(self) -> bytes:
        """The bytes that wait for more, empty when nothing does."""
        ...

    def feed(self, frame: bytes) -> list[tuple[BloodPressure, bytes]]:
        """Return the measurements that `frame` completes, each with its own bytes.

        Refuses with `FrameError` what cannot be a frame, and has then forgotten what waited.
        """
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """One protocol. measurements: the characteristics whose notifications `records` takes."""

    measurements: frozenset[int]
    records: Callable[[], Records]
    talk: Callable[[Model, frozenset[int], bool], Talk]
    """Takes the model, the characteristics present, and whether the device's names are known."""
