"""A device of a few lines that a test drives a conversation with: no radio, no clock, no wait."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from yikao_devices import gatt, racp
from yikao_devices.conversation import (
    Answer,
    AskTime,
    ClockCompared,
    ClockWillBeSet,
    Disconnected,
    Effect,
    MayStay,
    Notification,
    Pause,
    Read,
    Refused,
    Silence,
    Subscribe,
    Wait,
    Write,
)

T = TypeVar("T")

HOME = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=HOME)


@dataclass
class Device:
    """Answers reads from `values`, refuses what is in `refuses`, and plays `says` to each wait.

    stays: how often there is time to listen on.
    """

    says: Iterable[Notification | Silence | Disconnected] = ()
    values: dict[int, bytes] = field(default_factory=dict)
    refuses: frozenset[int] = frozenset()
    heard: list[Effect] = field(default_factory=list)
    stays: int = 1000

    def answer(self, effect: Effect) -> Answer:
        self.heard.append(effect)
        match effect:
            case Wait():
                return next(self._script)
            case MayStay():
                self.stays -= 1
                return self.stays >= 0
            case AskTime():
                return NOW
            case Read(characteristic) | Write(characteristic, _) | Subscribe(characteristic):
                if characteristic in self.refuses:
                    return Refused(0x80)
                return self.values[characteristic] if isinstance(effect, Read) else None
            case Pause() | ClockCompared() | ClockWillBeSet():
                return None

    def converse(self, talk: Generator[Effect, Answer, T]) -> T:
        """Play the device's part in `talk` to its end, and return its outcome."""
        self._script = iter(self.says)
        answer: Answer = None
        while True:
            try:
                effect = talk.send(answer)
            except StopIteration as end:
                outcome: T = end.value
                return outcome
            answer = self.answer(effect)

    @property
    def written(self) -> list[tuple[int, bytes]]:
        """What was written, with where."""
        return [(each.characteristic, each.data) for each in self.heard if isinstance(each, Write)]

    @property
    def subscribed(self) -> list[int]:
        """What was subscribed, in its order."""
        return [each.characteristic for each in self.heard if isinstance(each, Subscribe)]

    @property
    def compared(self) -> list[float]:
        """The clock's offsets that were told."""
        return [each.offset_s for each in self.heard if isinstance(each, ClockCompared)]

    @property
    def asked(self) -> list[racp.Request]:
        """The record requests that were written."""
        point = gatt.RECORD_ACCESS_CONTROL_POINT
        return [racp.decode_request(data) for where, data in self.written if where == point]
