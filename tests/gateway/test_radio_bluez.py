"""The gateway on Linux's Bluetooth: answering for the passkey, and telling errors in our words.

A private message bus stands in for the system's, and a small program on it for bluetoothd, asking
what bluetoothd asks (BlueZ 5.66, doc/agent-api.txt).
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from fix_servers import require

from yikao_gateway.radio import errors
from yikao_gateway.radio.bleak_radio import _device_errors, _radio_errors
from yikao_gateway.radio.bluez_adapter import AGENT_PATH, BluezAdapter

CUFF = "C4:1D:00:00:00:2A"
CUFF_PATH = "/org/bluez/hci0/dev_C4_1D_00_00_00_2A"
STRANGER_PATH = "/org/bluez/hci0/dev_66_66_66_66_66_66"

CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Bluetoothd:
    """The part of bluetoothd that an agent talks to."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.agents: list[tuple[str, list[Any]]] = []
        bus.add_message_handler(self._on_message)

    def _on_message(self, message: Message) -> Message | None:
        if message.interface != "org.bluez.AgentManager1":
            return None
        self.agents.append((message.sender or "", message.body))
        return Message.new_method_return(message)

    async def asks(self, member: str, signature: str, *body: Any) -> Any:
        """Return the agent's answer to a question, or the name of its error."""
        reply = await self.bus.call(
            Message(
                destination=self.agents[0][0],
                path=AGENT_PATH,
                interface="org.bluez.Agent1",
                member=member,
                signature=signature,
                body=list(body),
            )
        )
        if reply.message_type is MessageType.ERROR:
            return reply.error_name
        return reply.body[0] if reply.body else None


@contextlib.asynccontextmanager
async def system_bus(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a message bus of our own below `folder`."""
    (folder / "bus.conf").write_text(CONFIG.format(folder=folder))
    daemon = await asyncio.create_subprocess_exec(
        *("dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--print-address"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert daemon.stdout is not None
    try:
        assert await daemon.stdout.readline()
        yield daemon
    finally:
        with contextlib.suppress(ProcessLookupError):
            daemon.terminate()
        await daemon.stdout.read()
        await daemon.wait()


@pytest.fixture
def bus_folder(short_tmp, monkeypatch):
    require(shutil.which("dbus-daemon") is not None, "dbus-daemon")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={short_tmp}/bus")
    return short_tmp


def test_the_agent_answers_for_devices_a_session_was_started_with_and_no_others(bus_folder):
    async def story() -> None:
        async with system_bus(bus_folder):
            bus = await MessageBus(bus_address=f"unix:path={bus_folder}/bus").connect()
            bluetoothd = Bluetoothd(bus)
            await bus.request_name("org.bluez")
            adapter = BluezAdapter()
            await adapter.open()
            assert [body for _, body in bluetoothd.agents] == [
                [AGENT_PATH, "KeyboardDisplay"],
                [AGENT_PATH],
            ]
            rejected = "org.bluez.Error.Rejected"
            asks = bluetoothd.asks
            assert await asks("RequestPasskey", "o", CUFF_PATH) == rejected
            assert await asks("RequestAuthorization", "o", CUFF_PATH) == rejected
            adapter.expect(CUFF, 42)
            assert await asks("RequestPasskey", "o", CUFF_PATH) == 42
            assert await asks("RequestPinCode", "o", CUFF_PATH) == "000042"
            assert await asks("RequestConfirmation", "ou", CUFF_PATH, 42) is None
            assert await asks("RequestConfirmation", "ou", CUFF_PATH, 43) == rejected
            assert await asks("RequestPasskey", "o", STRANGER_PATH) == rejected
            adapter.expect(CUFF, None)
            assert await asks("RequestAuthorization", "o", CUFF_PATH) is None
            assert await asks("RequestPasskey", "o", CUFF_PATH) == rejected
            assert await asks("Cancel", "") is None
            await adapter.close()
            bus.disconnect()

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_bus_without_bluetoothd_says_what_to_start_and_a_lost_bus_is_noticed(bus_folder):
    async def story() -> None:
        async with system_bus(bus_folder) as daemon:
            adapter = BluezAdapter()
            with pytest.raises(errors.RadioUnavailable, match="systemctl start bluetooth"):
                await adapter.open()
            bus = await MessageBus(bus_address=f"unix:path={bus_folder}/bus").connect()
            Bluetoothd(bus)
            await bus.request_name("org.bluez")
            await adapter.open()
            daemon.terminate()
            await adapter.lost.wait()
            await adapter.close()
            bus.disconnect()

    asyncio.run(asyncio.wait_for(story(), 10))


@pytest.mark.parametrize(
    ("raised", "passkey", "ours"),
    [
        ("org.bluez.Error.AuthenticationFailed", None, errors.StaleBond),
        ("org.bluez.Error.AuthenticationFailed", 123456, errors.WrongPasskey),
        ("org.bluez.Error.AuthenticationRejected", None, errors.PasskeyNeeded),
        ("org.bluez.Error.AuthenticationTimeout", 123456, errors.PairingRefused),
        ("org.bluez.Error.InProgress", None, errors.DeviceBusy),
        ("org.bluez.Error.NotReady", None, errors.RadioUnavailable),
        ("org.bluez.Error.Failed", None, errors.DeviceGone),
        ("org.freedesktop.DBus.Error.UnknownObject", None, errors.DeviceGone),
        ("org.freedesktop.DBus.Error.ServiceUnknown", None, errors.RadioUnavailable),
    ],
)
def test_what_bluetoothd_says_about_a_device_leaves_in_our_words(raised, passkey, ours):
    with pytest.raises(ours), _device_errors(CUFF, passkey):
        raise BleakDBusError(raised, ["words of bluetoothd"])


@pytest.mark.parametrize(
    ("raised", "ours"),
    [
        (BleakGATTProtocolError(0xFE), errors.ProtocolError),
        (BleakDeviceNotFoundError(CUFF, "not found"), errors.DeviceGone),
        (BleakError("Not connected"), errors.DeviceGone),
        (EOFError(), errors.DeviceGone),
        (
            BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF),
            errors.RadioUnavailable,
        ),
    ],
)
def test_what_bleak_says_about_a_device_leaves_in_our_words(raised, ours):
    with pytest.raises(ours) as caught, _device_errors(CUFF):
        raise raised
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize(
    "raised",
    [
        BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["no"]),
        BleakDBusError("org.example.Unheard", ["of"]),
        BleakError("adapter 'hci7' not found"),
        FileNotFoundError(2, "No such file or directory"),
    ],
)
def test_whatever_keeps_bluetooth_from_starting_comes_with_a_remedy(raised):
    with pytest.raises(errors.RadioUnavailable) as caught, _radio_errors():
        raise raised
    assert caught.value.remedy
