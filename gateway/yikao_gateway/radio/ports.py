"""What the gateway asks of a radio, without saying which radio.

The session code knows these few calls only. Behind them is either the Linux Bluetooth stack or a
simulated controller on a socket; tests and the shipped agent run the same code.

Characteristics and services are named by their 16-bit numbers (0x2A35), see
https://www.bluetooth.com/specifications/assigned-numbers/. Of vendors' own 128-bit ones only those
are seen that have a number in `yikao_devices.gatt`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

DIGITS_MAX_S: Final = 30.0
"""So long a device waits for its six digits before it gives up pairing (Core Specification, Vol 3,
Part H, 3.4)."""


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
    pairing_mode: bool = False
    """It says that somebody has just made it ready to be paired (LE Limited Discoverable)."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """How to pair: whether to do so before anything else, and the six digits on its display."""

    pair: bool = True
    passkey: int | None = None
    """0 to 999999; none means "just works", or that a person is asked."""
    allowed: bool = True
    """Whether a new bond may be made; if not, a device that insists on one is `PairingClosed`."""
    ask: Callable[[], Awaitable[int]] | None = None
    """Asks a person for the digits on its display; None when there is nobody to ask."""
    show: Callable[[int], None] | None = None
    """Shows a person digits to type on a device that has keys."""


OnAdvertisement = Callable[[Advertisement], None]
IsOurs = Callable[[Advertisement], bool]
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
        """Return the numbers of all characteristics the device has that have one."""
        ...

    async def read(self, char: int) -> bytes: ...

    async def write(self, char: int, data: bytes) -> None:
        """Write `data` and wait for the device's answer, where the characteristic has one."""
        ...

    async def subscribe(self, char: int) -> None:
        """Ask the device to notify or indicate `char` from now on."""
        ...

    async def disconnect(self) -> None:
        """Take the link down; without effect when it is down already."""
        ...


class Radio(Protocol):
    """The gateway's ear and mouth. `start` before use; `stop` frees everything, twice is fine."""

    name: str
    """Which one it is: "hci0", or the socket of a simulated one."""
    lost: asyncio.Event
    """Set when the radio itself is gone; `stop` and `start` it again to recover."""

    async def start(self, on_advertisement: OnAdvertisement) -> None:
        """Begin to listen. Raises `RadioUnavailable`."""
        ...

    async def stop(self) -> None:
        """Stop listening and take down every link."""
        ...

    async def rescan(self) -> None:
        """Begin to listen anew; links stay up. Raises `RadioUnavailable` when it cannot."""
        ...

    async def reset(self) -> None:
        """Switch the adapter off and on, and listen again. Raises `RadioUnavailable`."""
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

    async def release(self, is_ours: IsOurs) -> None:
        """Take down links to our devices that are up before we have connected to any.

        A gateway that was killed leaves them, and a connected device does not advertise: it would
        never be heard again.
        """
        ...

    async def bonded(self) -> frozenset[str]:
        """Return the addresses of the devices this radio has a bond with."""
        ...

    async def forget(self, address: str) -> None:
        """Remove our bond with `address`, because a person decided to pair it anew."""
        ...
