"""The memory of a simulated device that wakes after a measurement and gives what it has stored.

Cuffs, scales and thermometers do it alike: stored measurements are indicated, one after the other,
as soon as a gateway subscribes, and each is confirmed.

Source: Bluetooth SIG, Blood Pressure Profile 1.1.1, Weight Scale Profile 1.0.1, Health Thermometer
Profile 1.0.1, section 4 of each.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bumble.gatt import Characteristic

from yikao_sim.peripherals.peripheral import Peripheral

Write = Callable[[bytes], bytes]
"""From a record as it is stored to how a characteristic writes it."""


class Habits(Protocol):
    """How a model treats what it has stored."""

    @property
    def window_s(self) -> float: ...
    @property
    def keeps_records(self) -> bool: ...
    @property
    def hangs_up(self) -> bool: ...
    @property
    def newest_first(self) -> bool: ...
    @property
    def memory(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RecorderBehaviour:
    """How this model of scale or thermometer behaves.

    `window_s`: how long it can be reached after a measurement or a lost link. `keeps_records`: it
    sends everything each time instead of deleting what was confirmed. `hangs_up`: it disconnects
    after the last record instead of waiting. `newest_first`: the order it sends them in. `memory`:
    records it holds; the oldest makes room.
    """

    window_s: float = 60.0
    keeps_records: bool = False
    hangs_up: bool = True
    newest_first: bool = False
    memory: int = 100


def as_stored(frame: bytes) -> bytes:
    return frame


class Store:
    """Records, and the characteristics that tell them, each in its way."""

    def __init__(
        self,
        peripheral: Peripheral,
        forms: Mapping[Characteristic[bytes], Write],
        habits: Habits,
    ) -> None:
        self._peripheral = peripheral
        self._forms = forms
        self._habits = habits
        self._memory: deque[bytes] = deque(maxlen=habits.memory)
        self._owing = False
        """True while a record has not been confirmed by a gateway."""
        self._delivery: asyncio.Task[None] | None = None
        for form in forms:
            form.on(form.EVENT_SUBSCRIPTION, self._on_subscription)
        peripheral.on_link_down = self._on_link_down

    def __len__(self) -> int:
        return len(self._memory)

    def load(self, frame: bytes) -> None:
        """Put a record into the memory, as one taken earlier; the radio stays off."""
        self._memory.append(frame)
        self._owing = True

    def measure(self, frame: bytes) -> None:
        """Take a measurement now, and switch the radio on."""
        self.load(frame)
        if self._subscribed():
            self._deliver()
        else:
            self.wake()

    def wake(self) -> None:
        """Switch the radio on for the window, as after a press of the button."""
        self._peripheral.advertise(self._habits.window_s)

    def _subscribed(self) -> list[Characteristic[bytes]]:
        return [form for form in self._forms if self._peripheral.subscribed(form)]

    def _on_subscription(self, _: object, notify: bool, indicate: bool) -> None:
        if indicate and not self._peripheral.startled:
            self._deliver()

    def _deliver(self) -> None:
        if self._delivery is None or self._delivery.done():
            self._delivery = self._peripheral.spawn(self._send_all())

    async def _send_all(self) -> None:
        sent = 0
        while sent < len(self._memory):
            frame = self._memory[-1 - sent if self._habits.newest_first else sent]
            await self._send(frame)
            if self._habits.keeps_records:
                sent += 1
            elif frame in self._memory:
                self._memory.remove(frame)
        self._owing = False
        self._peripheral.stop_advertising()
        if self._habits.hangs_up:
            self._peripheral.hang_up()

    async def _send(self, frame: bytes) -> None:
        """Send a record in every form that is subscribed, as devices do."""
        for form in self._subscribed() or self._forms:
            await self._peripheral.send(form, self._forms[form](frame))

    def _on_link_down(self) -> None:
        if self._owing:
            self.wake()
