"""What a sensor does that is worn: it tells a number every second to whoever listens.

It can be reached as long as it is worn, and not afterwards.
"""

import asyncio
from collections.abc import Callable
from itertools import count

from bumble.gatt import Characteristic

from yikao_sim.peripherals.peripheral import Peripheral

Samples = Callable[[int], bytes]
"""Returns the n-th sample, n from 0; counted on over lost links."""


class Stream:
    """One characteristic that streams while the sensor is worn."""

    def __init__(
        self, peripheral: Peripheral, characteristic: Characteristic[bytes], every_s: float
    ) -> None:
        self._peripheral = peripheral
        self._characteristic = characteristic
        self._every_s = every_s
        self._samples: Samples | None = None
        self._numbers = count()
        self._sending: asyncio.Task[None] | None = None
        self._end: asyncio.TimerHandle | None = None
        characteristic.on(characteristic.EVENT_SUBSCRIPTION, self._on_subscription)

    @property
    def worn(self) -> bool:
        return self._samples is not None

    def put_on(self, samples: Samples, for_s: float | None = None) -> None:
        """Wear it from now on: for `for_s` real seconds, or None until it is taken off."""
        self._cancel_end()
        self._samples = samples
        if for_s is not None:
            self._end = asyncio.get_running_loop().call_later(for_s, self.take_off)
        self._peripheral.advertise()
        if self._peripheral.subscribed(self._characteristic):
            self._begin()

    def take_off(self) -> None:
        """Take it off: it falls silent, ends its link, and switches its radio off."""
        self._cancel_end()
        self._samples = None
        self._peripheral.stop_advertising()
        self._peripheral.hang_up()

    def _on_subscription(self, _: object, notify: bool, indicate: bool) -> None:
        if notify and self.worn and not self._peripheral.startled:
            self._begin()

    def _begin(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = self._peripheral.spawn(self._send_all())

    async def _send_all(self) -> None:
        while self._samples is not None:
            frame = self._samples(next(self._numbers))
            await self._peripheral.send(self._characteristic, frame)
            await asyncio.sleep(self._every_s)

    def _cancel_end(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
