"""What the page knows of the home, and what pressing its buttons does; no word of HTML.

Facts are gathered anew for each look at the page. None of them is a clinical value: the page hangs
where visitors see it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from yikao_devices.wire import DeviceEvent, SymptomReport
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.prompts import Prompt, Prompts
from yikao_gateway.household.said import call_for, report_of
from yikao_gateway.household.station import Station, StationNow
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.known_devices import KnownDevice, KnownDevices
from yikao_gateway.visits.pairing_mode import PairingMode

LATE: Final = timedelta(minutes=10)
"""What has waited for so long needs somebody to look at the network."""
SAID_SHOWN: Final = timedelta(hours=2)
"""How long it is shown that a call was made, or a symptom reported."""

Manner = Literal["call", "feel"]
"""Whether somebody asked to be called, or said what is felt."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said on this page, and whether the server has it: an item's state."""

    manner: Manner
    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Sent:
    """How much is on its way to the server; `oldest` of what waits, `last` the latest receipt."""

    waiting: int
    oldest: datetime | None
    last: datetime | None

    def late(self, now: datetime) -> bool:
        """Return whether something waits for longer than a hiccup of the network."""
        return self.oldest is not None and now - self.oldest > LATE


@dataclass(frozen=True, slots=True)
class PairingNow:
    """The pairing mode as it is; `open_s` the seconds left, None when it is closed."""

    open_s: float | None
    asking: tuple[str, ...]
    showing: Mapping[str, int]
    paired: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the first page shows; `said` the newest of each manner, devices with when read.

    station: how it stands where many use the cuff, None in a home.
    """

    now: datetime
    gateway: str
    version: str
    prompts: list[Prompt]
    said: list[Said]
    sent: Sent
    troubles: list[str]
    devices: list[tuple[KnownDevice, datetime]]
    pairing: PairingNow
    station: StationNow | None = None


@dataclass(slots=True)
class Household:
    """The home behind the page. wake: has the outbox looked into; monotonic: real seconds.

    station: who is about to measure, where the page is a station's.
    """

    gateway: str
    version: str
    outbox: Outbox
    devices: KnownDevices
    prompts: Prompts
    alarms: Alarms
    pairing: PairingMode
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    wake: Callable[[], None]
    station: Station | None = None
    _said: dict[Manner, tuple[datetime, UUID]] = field(default_factory=dict)

    def facts(self) -> Facts:
        """Return what is the case now. Raises `StorageError`."""
        now, outbox = self.now(), self.outbox
        return Facts(
            now,
            self.gateway,
            self.version,
            self.prompts.standing(),
            self._said_lately(now),
            Sent(outbox.waiting_count(), outbox.oldest_open_at(), outbox.last_receipt_at()),
            sorted(self.alarms.codes),
            self.devices.seen(),
            self.pairing_now(),
            None if self.station is None else self.station.now(),
        )

    def pairing_now(self) -> PairingNow:
        """Return how the pairing mode is."""
        now_s, mode = self.monotonic(), self.pairing
        if not mode.is_open(now_s):
            return PairingNow(None, (), {}, mode.paired)
        return PairingNow(mode.closes_at - now_s, tuple(mode.asking), dict(mode.showing), None)

    def call(self) -> None:
        """Ask the doctor to call back. Raises `StorageError`."""
        now = self.now()
        self._say("call", call_for(self.gateway, now), now)

    def report(self, device: str, symptoms: tuple[str, ...]) -> None:
        """Tell the doctor what whoever uses `device` feels. Raises `StorageError`."""
        now = self.now()
        self._say("feel", report_of(device, symptoms, now), now)

    def open_pairing(self) -> None:
        """Let one new device be paired within the next two minutes."""
        self.pairing.open(self.monotonic())

    def close_pairing(self) -> None:
        """Let nobody be paired from now on."""
        self.pairing.close(self.monotonic())

    def answer(self, address: str, passkey: int) -> bool:
        """Hand in the digits that a device shows; return False when it does not wait for them."""
        if not self.pairing.is_open(self.monotonic()):
            return False
        return self.pairing.answer(address, passkey)

    def _say(self, manner: Manner, item: DeviceEvent | SymptomReport, now: datetime) -> None:
        self.outbox.add(item, now)
        self._said[manner] = (now, item.reading_id)
        self.wake()

    def _said_lately(self, now: datetime) -> list[Said]:
        return [
            Said(manner, at, self.outbox.state_of(reading_id) or "stored")
            for manner, (at, reading_id) in self._said.items()
            if now - at < SAID_SHOWN
        ]
