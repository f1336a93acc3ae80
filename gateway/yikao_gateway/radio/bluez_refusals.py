"""Notices that a device has forgotten its bond, which bluetoothd does not tell.

The Linux kernel takes a link down at once that cannot be encrypted with our key. All that is seen
of it is a device that connects and is gone again, and bleak, which takes that for interference,
tries five times a second until its deadline. One that is merely far away gets through in between.

Source: Linux 6.1, net/bluetooth/hci_event.c, hci_encrypt_change_evt; seen with BlueZ 5.66.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from dbus_fast import Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus

DROPS_MAX: Final = 5
"""Links in a row, each lost before the device could say what it offers; then its bond is gone."""
DEVICE: Final = "org.bluez.Device1"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"


class Drops:
    """Counts the links of one bonded device that came up in vain."""

    def __init__(self) -> None:
        self._count = 0

    def note(self, changed: Mapping[str, Variant]) -> bool:
        """Take what bluetoothd says of the device; return whether its bond must be gone."""
        if "ServicesResolved" in changed and changed["ServicesResolved"].value:
            self._count = 0
        if "Connected" in changed and not changed["Connected"].value:
            self._count += 1
        return self._count >= DROPS_MAX


async def until_refused(bus: MessageBus, device: str) -> None:
    """Return when the device at the object path `device` has refused our bond."""
    drops, refused = Drops(), asyncio.Event()

    def on_message(message: Message) -> None:
        if (
            message.message_type is MessageType.SIGNAL
            and (message.path, message.member) == (device, "PropertiesChanged")
            and message.body[0] == DEVICE
            and drops.note(message.body[1])
        ):
            refused.set()

    rule = f"type='signal',sender='org.bluez',path='{device}',interface='{PROPERTIES}'"
    bus.add_message_handler(on_message)
    await bus.call(_to_bus("AddMatch", rule))
    try:
        await refused.wait()
    finally:
        bus.remove_message_handler(on_message)
        bus.send(_to_bus("RemoveMatch", rule, MessageFlag.NO_REPLY_EXPECTED))


def _to_bus(member: str, rule: str, flags: MessageFlag = MessageFlag.NONE) -> Message:
    return Message(
        destination="org.freedesktop.DBus",
        path="/org/freedesktop/DBus",
        interface="org.freedesktop.DBus",
        member=member,
        signature="s",
        body=[rule],
        flags=flags,
    )
