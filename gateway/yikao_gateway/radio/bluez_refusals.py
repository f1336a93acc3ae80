"""Notices that a device has forgotten its bond, which no request is answered with.

The Linux kernel takes a link down at once that cannot be encrypted with our key, and bleak, which
takes that for interference, tries five times a second until its deadline. Newer bluetoothds tell
why a link has ended, and then there is no doubt. Of older ones nothing is seen but a device that
connects and is gone again; so does one that is being carried away. It is believed of a device that
is near alone, and one that is merely far gets through in between.

Sources: Linux 6.1, net/bluetooth/hci_event.c, hci_encrypt_change_evt; seen with BlueZ 5.66. BlueZ,
doc/org.bluez.Device.rst, Disconnected.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from dbus_fast import Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus

DROPS_MAX: Final = 5
"""Links in a row, each lost before the device could say what it offers; then its bond is gone."""
FAINT_DBM: Final = -80
"""A link to a weaker device may be lost for that alone. No receiver has to hear less than -70 dBm,
usual ones hear -90 (Bluetooth Core Specification, Vol 6, Part A, 4.1)."""
KEY_MISSING: Final = "org.bluez.Reason.Authentication"
"""The device has no key of ours: the only failure of encryption that the kernel tells so."""
DEVICE: Final = "org.bluez.Device1"


class Drops:
    """Counts the links of one bonded device that came up in vain.

    strength_dbm: how well it was heard last, None where that is not known.
    """

    def __init__(self, strength_dbm: int | None = None) -> None:
        self._count = 0
        self._is_faint = strength_dbm is not None and strength_dbm < FAINT_DBM
        self._is_told = False

    def note(self, changed: Mapping[str, Variant]) -> bool:
        """Take what bluetoothd says of the device; return whether its bond must be gone."""
        if "RSSI" in changed:
            self._is_faint = changed["RSSI"].value < FAINT_DBM
        if self._is_faint or self._is_told or _is_true(changed, "ServicesResolved"):
            self._count = 0
        elif "Connected" in changed and not _is_true(changed, "Connected"):
            self._count += 1
        return self._count >= DROPS_MAX

    def ended(self, reason: str) -> bool:
        """Take why a link has ended; return whether that is for want of the bond."""
        self._is_told = True
        return reason == KEY_MISSING


def _is_true(changed: Mapping[str, Variant], name: str) -> bool:
    return name in changed and bool(changed[name].value)


async def until_refused(bus: MessageBus, device: str, strength_dbm: int | None) -> None:
    """Return when the device at the object path `device` has refused our bond."""
    drops, refused = Drops(strength_dbm), asyncio.Event()

    def on_message(message: Message) -> None:
        is_signal = message.message_type is MessageType.SIGNAL and message.path == device
        if is_signal and _says_refused(drops, message):
            refused.set()

    rule = f"type='signal',sender='org.bluez',path='{device}'"
    bus.add_message_handler(on_message)
    await bus.call(_to_bus("AddMatch", rule))
    try:
        await refused.wait()
    finally:
        bus.remove_message_handler(on_message)
        bus.send(_to_bus("RemoveMatch", rule, MessageFlag.NO_REPLY_EXPECTED))


def _says_refused(drops: Drops, message: Message) -> bool:
    match message.interface, message.member, message.body:
        case "org.freedesktop.DBus.Properties", "PropertiesChanged", [known, changed, *_]:
            return known == DEVICE and drops.note(changed)
        case interface, "Disconnected", [reason, *_] if interface == DEVICE:
            return drops.ended(reason)
        case _:
            return False


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
