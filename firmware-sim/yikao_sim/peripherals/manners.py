"""How devices leave the standard on the link itself, whatever they measure.

Each departure was met by somebody and written down in public; docs/devices.md has the sources.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from bumble import att
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host


class ClockPlace(Enum):
    """Where a device keeps its clock, and when it lets itself be set."""

    CURRENT_TIME = auto()
    """Current Time (0x2A2B), readable and writable at any time."""
    OMRON = auto()
    """The same; but set only once the link has subscribed it, and only if far off."""
    READ_ONLY = auto()
    """The same, but never writable: it is set in a way of the vendor's own."""
    DATE_TIME = auto()
    """Date Time (0x2A08) among its measurements, no Current Time Service."""
    NONE = auto()
    """Nowhere a gateway could look."""


@dataclass(frozen=True, slots=True)
class Manners:
    """`bond_first`: the first request on an unencrypted link ends it. `unbonded_max_s`: so does
    this time without encryption. `settle_s`: a device subscribed sooner after it was explored
    stays silent on that link. `asks_for_security`: it sends a Security Request on every link.
    """

    clock: ClockPlace = ClockPlace.CURRENT_TIME
    bond_first: bool = False
    unbonded_max_s: float | None = None
    settle_s: float = 0.0
    asks_for_security: bool = False


STANDARD = Manners()


class Request(Enum):
    """What a gateway asks for, as far as manners depend on it."""

    EXPLORE = auto()
    WRITE = auto()
    OTHER = auto()


_KINDS: dict[int, Request] = {
    att.Opcode.ATT_FIND_INFORMATION_REQUEST: Request.EXPLORE,
    att.Opcode.ATT_FIND_BY_TYPE_VALUE_REQUEST: Request.EXPLORE,
    att.Opcode.ATT_READ_BY_TYPE_REQUEST: Request.EXPLORE,
    att.Opcode.ATT_READ_BY_GROUP_TYPE_REQUEST: Request.EXPLORE,
    att.Opcode.ATT_WRITE_REQUEST: Request.WRITE,
}
"""Attribute opcodes: Bluetooth Core Specification, Vol 3, Part F, 3.4.8."""


class WatchedDevice(Device):
    """A bumble device that asks `hears` about each attribute request before it is answered."""

    def __init__(
        self,
        config: DeviceConfiguration,
        host: Host,
        hears: Callable[[Connection, Request], bool],
    ) -> None:
        super().__init__(config=config, host=host)
        self._hears = hears

    def on_gatt_pdu(self, connection_handle: int, pdu: bytes) -> None:
        """Answer a request, unless the device does not take it."""
        link = self.lookup_connection(connection_handle)
        if link is not None and self._hears(link, _KINDS.get(pdu[0], Request.OTHER)):
            super().on_gatt_pdu(connection_handle, pdu)
