"""What the gateway asks of a radio, without saying which radio.

The session code knows these few calls only. Behind them is either the Linux Bluetooth stack or a
simulated controller on a socket; tests and the shipped agent run the same code.

Characteristics and services are named by their 16-bit numbers (0x2A35), see
https://www.bluetooth.com/specifications/assigned-numbers/. Vendors' 128-bit ones are not seen here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Advertisement:
    """One advertisement heard: who is there, and what it offers."""

    address: str
    """Upper case with colons, "C4:1D:00:00:00:2A"."""
    name: str | None
    services: frozenset[int]
    """16-bit numbers of the advertised services."""
    rssi: int | None
    """Received strength in dBm; near is -40, the next room -75."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """How to pair: whether to do so before anything else, and the six digits on its display."""

    pair: bool = True
    passkey: int | None = None
    """0 to 999999; none means "just works"."""


OnAdvertisement = Callable[[Advertisement], None]
OnNotification = Callable[[int, bytes], None]
"""Takes the characteristic and its bytes. Called synchronously, in the order of arrival, before
any waiting task runs, so that what it stores is stored before the session goes on."""


class Link(Protocol):
    """A device that is connected, encrypted if it wished so, and explored.

    Every call raises a `RadioError`; after the loss of the link that is `DeviceGone`.
    """

    disconnected: asyncio.Event
    """Set when the link is down, by whichever side, after the last notification was handed over."""

    def characteristics(self) -> frozenset[int]:
        """Return the 16-bit numbers of all characteristics the device has."""
        ...

    async def read(self, char: int) -> bytes: ...

    async def write(self, char: int, data: bytes) -> None:
        """Write `data` and wait for the device's answer."""
        ...

    async def subscribe(self, char: int) -> None:
        """Ask the device to notify or indicate `char` from now on."""
        ...

    async def disconnect(self) -> None:
        """Take the link down; without effect when it is down already."""
        ...


class Radio(Protocol):
    """The gateway's ear and mouth. `start` before use; `stop` frees everything, twice is fine."""

    lost: asyncio.Event
    """Set when the radio itself is gone; `stop` and `start` it again to recover."""

    async def start(self, on_advertisement: OnAdvertisement) -> None:
        """Begin to listen. Raises `RadioUnavailable`."""
        ...

    async def stop(self) -> None:
        """Stop listening and take down every link."""
        ...

    async def connect(
        self,
        address: str,
        *,
        on_notification: OnNotification,
        pairing: Pairing,
        deadline_s: float,
    ) -> Link:
        """Return a link to `address`, encrypted and explored, within `deadline_s` seconds.

        One deadline covers connecting, pairing and discovery. Raises a `RadioError` no later than
        that, and the next call works whatever became of this one.
        """
        ...

    async def forget(self, address: str) -> None:
        """Remove our bond with `address`, because a person decided to pair it anew."""
        ...
