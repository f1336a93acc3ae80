"""The two minutes in which a person lets the gateway bond with a new device, and the digits asked.

A bond is trust, and only a person gives it: outside of these minutes nobody new is paired. One
opening is for one device, the one in the person's hand; it ends when that one is paired. Where the
device shows six digits, the person reads them off and types them in here.

All times are seconds of a monotonic clock, handed in. Source of the pairing methods: Bluetooth Core
Specification, Vol 3, Part H, 2.3.5.1.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OPEN_S: Final = 120.0
"""Long enough to walk to the device and hold its button; short enough to be forgotten."""
ASKING_MAX: Final = 8
"""Devices whose question is remembered; beyond it the oldest is forgotten."""
PASSKEY_MAX: Final = 999_999


class PairingMode:
    """Whether a new device may be paired now, and who waits for a person's digits."""

    def __init__(self) -> None:
        self.closes_at = float("-inf")
        """When it closes or closed; minus infinity before it was ever open."""
        self.paired: str | None = None
        """The device that the latest opening has paired; None while it has not."""
        self._asking: dict[str, float] = {}
        self._showing: dict[str, int] = {}
        self._answers: dict[str, int] = {}
        self._news = asyncio.Event()

    # For the page and the command: what a person does and sees

    def open(self, now_s: float, for_s: float = OPEN_S) -> None:
        """Let one new device be paired within `for_s` seconds; what was asked before is void."""
        self.close(now_s)
        self.closes_at = now_s + for_s
        self.paired = None

    def close(self, now_s: float) -> None:
        """Let nobody be paired from now on; without effect when it is closed."""
        self.closes_at = min(self.closes_at, now_s)
        self._asking.clear()
        self._showing.clear()
        self._answers.clear()

    def is_open(self, now_s: float) -> bool:
        """Return whether a new device may be paired now."""
        return now_s < self.closes_at

    @property
    def asking(self) -> Mapping[str, float]:
        """Devices that wait for the digits on their display, and since when; the oldest first.

        To be looked at only while it is open.
        """
        return MappingProxyType(self._asking)

    @property
    def showing(self) -> Mapping[str, int]:
        """Devices with keys, and the digits a person has to type on them: `f"{digits:06d}"`."""
        return MappingProxyType(self._showing)

    def answer(self, address: str, passkey: int) -> bool:
        """Hand in the digits that `address` shows; return False when it has asked for none.

        An answer that comes after the device has given up serves its next attempt. Raises
        `ValueError` unless 0 <= passkey <= 999999.
        """
        if not 0 <= passkey <= PASSKEY_MAX:
            raise ValueError("Write the six digits that the device shows")
        if self._asking.pop(address, None) is None:
            return False
        self._answers[address] = passkey
        self._news.set()
        return True

    # For the radio

    async def ask(self, address: str, now_s: float) -> int:
        """Ask a person for the digits of `address`; return them.

        Waits until they are there: the caller holds the deadline, and cancels.
        """
        if address not in self._answers:
            if len(self._asking) >= ASKING_MAX:
                del self._asking[next(iter(self._asking))]
            self._asking.setdefault(address, now_s)
        while address not in self._answers:
            self._news.clear()
            await self._news.wait()
        return self._answers.pop(address)

    def show(self, address: str, passkey: int) -> None:
        """Show the digits that a person has to type on `address`."""
        if len(self._showing) >= ASKING_MAX:
            del self._showing[next(iter(self._showing))]
        self._showing[address] = passkey

    def has_paired(self, address: str, now_s: float) -> None:
        """Close, because the device it was opened for is bonded."""
        self.close(now_s)
        self.paired = address
