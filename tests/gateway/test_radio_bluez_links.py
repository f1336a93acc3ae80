"""The gateway on Linux's Bluetooth: links that came to nothing, and those another gateway left.

On a private message bus, as in test_radio_bluez.py; `make bluez` shows the same on the real one.
"""

import asyncio
import shutil
from typing import Any

import pytest
import test_radio_bluez as bluez
from dbus_fast import Message, Variant
from fix_servers import require

from yikao_gateway.radio.bluez_adapter import BluezAdapter
from yikao_gateway.radio.bluez_refusals import DROPS_MAX, FAINT_DBM, KEY_MISSING, Drops

DEVICE = "org.bluez.Device1"
UP = {"Connected": Variant("b", True)}
DOWN = {"Connected": Variant("b", False)}
EXPLORED = {"ServicesResolved": Variant("b", True)}
CUFF_SERVICE = "00001810-0000-1000-8000-00805f9b34fb"


@pytest.fixture
def bus_folder(short_tmp, monkeypatch):
    require(shutil.which("dbus-daemon") is not None, "dbus-daemon")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={short_tmp}/bus")
    return short_tmp


def tell(bluetoothd: bluez.Bluetoothd, path: str, changed: dict[str, Variant]) -> None:
    """Say as bluetoothd what has changed about a device."""
    bluetoothd.bus.send(
        Message.new_signal(
            path,
            "org.freedesktop.DBus.Properties",
            "PropertiesChanged",
            "sa{sv}as",
            [DEVICE, changed, []],
        )
    )


def test_a_device_that_is_explored_in_between_has_its_bond():
    drops = Drops()
    for _ in range(DROPS_MAX - 1):
        assert not drops.note(UP)
        assert not drops.note(DOWN)
    assert not drops.note(EXPLORED)
    assert not drops.note(DOWN)


def at(dbm: int) -> dict[str, Variant]:
    return {"RSSI": Variant("n", dbm)}


@pytest.mark.parametrize("before", [None, FAINT_DBM, FAINT_DBM - 1])
def test_a_device_that_is_carried_away_has_its_bond(before):
    """It drops as one does that has forgotten us; what is faint is no proof."""
    drops = Drops(before)
    for strength in range(FAINT_DBM, FAINT_DBM - 20, -4):
        assert not drops.note(at(strength))
        assert not any(drops.note(DOWN) for _ in range(DROPS_MAX - 1))
    assert not drops.note(at(FAINT_DBM)), "back again it is counted anew"
    assert [drops.note(DOWN) for _ in range(DROPS_MAX)][-1]


@pytest.mark.parametrize("reason", ["Timeout", "Remote", "Local", "Unknown"])
def test_where_it_is_told_why_a_link_ended_nothing_is_guessed(reason):
    drops = Drops(-40)
    for _ in range(3 * DROPS_MAX):
        assert not drops.ended(f"org.bluez.Reason.{reason}")
        assert not drops.note(DOWN)
    assert drops.ended(KEY_MISSING)


def test_one_link_that_ended_for_want_of_the_key_is_enough(bus_folder):
    async def story() -> None:
        async with bluez.bluetooth(bus_folder) as (bluetoothd, _):
            adapter = BluezAdapter()
            await adapter.open()
            refused = asyncio.create_task(adapter.bond_refused(bluez.CUFF))
            words = [KEY_MISSING, "Connection terminated due to authentication failure"]
            while not refused.done():
                ended = Message.new_signal(bluez.CUFF_PATH, DEVICE, "Disconnected", "ss", words)
                bluetoothd.bus.send(ended)
                await asyncio.wait({refused}, timeout=0.005)
            await refused
            await adapter.close()

    asyncio.run(asyncio.wait_for(story(), 10))


def test_one_that_connects_and_drops_again_and_again_has_lost_it(bus_folder):
    async def story() -> None:
        async with bluez.bluetooth(bus_folder) as (bluetoothd, _):
            adapter = BluezAdapter()
            await adapter.open()
            refused = asyncio.create_task(adapter.bond_refused(bluez.CUFF))
            # The question is on its way over the bus: told until it is heard.
            while not refused.done():
                tell(bluetoothd, bluez.STRANGER_PATH, DOWN)
                tell(bluetoothd, bluez.CUFF_PATH, UP)
                tell(bluetoothd, bluez.CUFF_PATH, DOWN)
                await asyncio.wait({refused}, timeout=0.005)
            await refused
            stranger = asyncio.create_task(adapter.bond_refused("00:00:00:00:00:01"))
            for _ in range(2 * DROPS_MAX):
                tell(bluetoothd, bluez.CUFF_PATH, DOWN)
            await adapter.bonded()
            assert not stranger.done()
            stranger.cancel()
            await asyncio.wait({stranger})
            await adapter.close()

    asyncio.run(asyncio.wait_for(story(), 10))


def linked(*services: str) -> dict[str, dict[str, Variant]]:
    return {DEVICE: {**UP, "UUIDs": Variant("as", list(services))}}


def test_links_to_our_devices_that_a_gateway_left_are_taken_down(bus_folder, monkeypatch):
    mouse = "/org/bluez/hci0/dev_00_00_00_00_00_07"
    hung_up: list[str | None] = []

    def hang_up(message: Message) -> Message | None:
        if (message.interface, message.member) != (DEVICE, "Disconnect"):
            return None
        hung_up.append(message.path)
        return Message.new_error(message, "org.bluez.Error.NotConnected", "gone by itself")

    async def story() -> None:
        left: dict[str, Any] = {bluez.CUFF_PATH: linked(CUFF_SERVICE), mouse: linked()}
        monkeypatch.setattr(bluez, "OBJECTS", bluez.OBJECTS | left)
        async with bluez.bluetooth(bus_folder) as (bluetoothd, _):
            bluetoothd.bus.add_message_handler(hang_up)
            adapter = BluezAdapter()
            await adapter.open()
            await adapter.release(lambda device: 0x1810 in device.services)
            await adapter.close()
        assert hung_up == [bluez.CUFF_PATH]

    asyncio.run(asyncio.wait_for(story(), 10))
