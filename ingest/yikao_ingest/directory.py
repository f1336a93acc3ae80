"""The registry as accepting sees it: gateways and their keys, devices, and whose each was when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

ANYBODY = -1
"""User slot of a binding that holds for whoever uses the device."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway, and the key its messages are signed with; empty while it has none.

    withdrawn: nothing is taken from it any more.
    """

    gateway_id: str
    tenant: str
    public_key: bytes
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """Whose a device (or one of its user slots) was, from `since` up to `until`."""

    user_slot: int
    patient_id: int
    since: datetime | None
    until: datetime | None

    def holds(self, at: datetime, user: int | None) -> bool:
        """Return whether a reading of `user` at `at` belongs to this binding."""
        slot_fits = self.user_slot == ANYBODY or self.user_slot == user
        return (
            slot_fits
            and (self.since is None or self.since <= at)
            and (self.until is None or at < self.until)
        )


@dataclass(frozen=True, slots=True)
class Device:
    """A device that may be read, by which gateway, and for whom."""

    device_id: int
    address: str
    gateway_id: str
    bindings: tuple[Binding, ...]
    station: bool = False
    """Many use it, and hold their cards before a reader."""

    def patient(self, at: datetime, user: int | None) -> int | None:
        """Return whose reading it is: by the binding that held when it was measured.

        A binding of the very user slot goes before one for anybody; None when there is none.
        """
        anybodys = None
        for binding in self.bindings:
            if binding.holds(at, user):
                if binding.user_slot != ANYBODY:
                    return binding.patient_id
                anybodys = binding.patient_id if anybodys is None else anybodys
        return anybodys

    def holders(self, at: datetime) -> frozenset[int]:
        """Return everybody whose device it was at that time, whichever slot is theirs."""
        held = (binding for binding in self.bindings if binding.holds(at, binding.user_slot))
        return frozenset(binding.patient_id for binding in held)


@dataclass(frozen=True, slots=True)
class Card:
    """Whose card it is, from `since` up to `until`."""

    patient_id: int
    since: datetime | None
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Return whether it was valid at that time."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Directory:
    """One consistent view of the registry."""

    gateways: Mapping[str, Gateway] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    cards: Mapping[str, Card] = field(default_factory=dict)
    """By the digest of their number (`yikao_devices.cards`)."""

    def at_home(self, gateway_id: str, at: datetime) -> frozenset[int]:
        """Return everybody with a device that this gateway read at that time."""
        own = (device for device in self.devices.values() if device.gateway_id == gateway_id)
        return frozenset().union(*(device.holders(at) for device in own))
