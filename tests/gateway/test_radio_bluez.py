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
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from fix_servers import require

from yikao_gateway.radio import bluez_adapter, errors
from yikao_gateway.radio.bleak_errors import Terms, device_errors, radio_errors
from yikao_gateway.radio.bluez_adapter import AGENT_PATH, BluezAdapter
from yikao_gateway.radio.open import open_radios
from yikao_gateway.radio.ports import Pairing
from yikao_gateway.visits.pairing_mode import PairingMode

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


def paired(yes: bool) -> dict[str, dict[str, Variant]]:
    return {"org.bluez.Device1": {"Paired": Variant("b", yes)}}


OBJECTS = {
    "/org/bluez": {"org.bluez.AgentManager1": {}},
    "/org/bluez/hci0": {"org.bluez.Adapter1": {"Powered": Variant("b", True)}},
    "/org/bluez/hci1": {"org.bluez.Adapter1": {"Powered": Variant("b", True)}},
    CUFF_PATH: paired(True),
    STRANGER_PATH: paired(False),
    "/org/bluez/hci1/dev_C4_1D_00_00_00_2B": paired(True),
}


class Bluetoothd:
    """The part of bluetoothd that an agent talks to."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.agents: list[tuple[str, list[Any]]] = []
        self.switched: list[tuple[str, bool]] = []
        self.busy = 0
        """How often the adapter is still busy when it is to be switched on."""
        bus.add_message_handler(self._on_message)

    def _on_message(self, message: Message) -> Message | None:
        match message.interface, message.member:
            case "org.bluez.AgentManager1", _:
                self.agents.append((message.sender or "", message.body))
                return Message.new_method_return(message)
            case "org.freedesktop.DBus.ObjectManager", "GetManagedObjects":
                return Message.new_method_return(message, "a{oa{sa{sv}}}", [OBJECTS])
            case "org.freedesktop.DBus.Properties", "Set":
                return self._switch(message)
        return None

    def _switch(self, message: Message) -> Message:
        on: bool = message.body[2].value
        if on and self.busy:
            self.busy -= 1
            return Message.new_error(message, "org.bluez.Error.Busy", "not yet")
        self.switched.append((message.path or "", on))
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
            adapter.expect(CUFF, Pairing(passkey=42))
            assert await asks("RequestPasskey", "o", CUFF_PATH) == 42
            assert await asks("RequestPinCode", "o", CUFF_PATH) == "000042"
            assert await asks("RequestConfirmation", "ou", CUFF_PATH, 42) is None
            assert await asks("RequestConfirmation", "ou", CUFF_PATH, 43) == rejected
            assert await asks("RequestPasskey", "o", STRANGER_PATH) == rejected
            adapter.expect(CUFF, Pairing())
            assert await asks("RequestAuthorization", "o", CUFF_PATH) is None
            assert await asks("RequestPasskey", "o", CUFF_PATH) == rejected
            assert await asks("DisplayPasskey", "ouq", CUFF_PATH, 7, 0) == rejected
            assert await asks("Cancel", "") is None
            adapter.expect(CUFF, Pairing(passkey=42, allowed=False))
            for question in ("RequestPasskey", "RequestPinCode", "RequestAuthorization"):
                assert await asks(question, "o", CUFF_PATH) == rejected
            assert await asks("RequestConfirmation", "ou", CUFF_PATH, 42) == rejected
            assert await asks("DisplayPasskey", "ouq", CUFF_PATH, 42, 0) == rejected
            await adapter.close()
            bus.disconnect()

    asyncio.run(asyncio.wait_for(story(), 10))


@contextlib.asynccontextmanager
async def bluetooth(folder: Path) -> AsyncIterator[tuple[Bluetoothd, MessageBus]]:
    """A bus with a bluetoothd on it."""
    async with system_bus(folder):
        bus = await MessageBus(bus_address=f"unix:path={folder}/bus").connect()
        bluetoothd = Bluetoothd(bus)
        await bus.request_name("org.bluez")
        yield bluetoothd, bus
        bus.disconnect()


def test_a_person_is_asked_for_the_digits_and_may_be_asked_in_vain(bus_folder):
    async def story() -> None:
        async with bluetooth(bus_folder) as (bluetoothd, _):
            adapter, mode = BluezAdapter(), PairingMode()
            await adapter.open()
            terms = Pairing(
                ask=lambda: mode.ask(CUFF, 0.0), show=lambda digits: mode.show(CUFF, digits)
            )
            adapter.expect(CUFF, terms)
            question = asyncio.create_task(bluetoothd.asks("RequestPasskey", "o", CUFF_PATH))
            while CUFF not in mode.asking:
                await asyncio.sleep(0.005)
            mode.answer(CUFF, 77)
            assert await question == 77
            question = asyncio.create_task(bluetoothd.asks("RequestPinCode", "o", CUFF_PATH))
            while CUFF not in mode.asking:
                await asyncio.sleep(0.005)
            assert await bluetoothd.asks("Cancel", "") is None
            assert await question == "org.bluez.Error.Canceled"
            assert await bluetoothd.asks("DisplayPasskey", "ouq", CUFF_PATH, 31, 0) is None
            assert await bluetoothd.asks("DisplayPinCode", "os", CUFF_PATH, "000032") is None
            assert dict(mode.showing) == {CUFF: 32}
            await adapter.close()

    asyncio.run(asyncio.wait_for(story(), 10))


@pytest.mark.parametrize(
    ("name", "path", "bonded"),
    [(None, "/org/bluez/hci0", CUFF), ("hci1", "/org/bluez/hci1", "C4:1D:00:00:00:2B")],
)
def test_bonds_and_the_switch_are_those_of_one_adapter(name, path, bonded, bus_folder, monkeypatch):
    monkeypatch.setattr(bluez_adapter, "POWER_ON_PAUSE_S", 0.0)

    async def story() -> None:
        async with bluetooth(bus_folder) as (bluetoothd, _):
            adapter = BluezAdapter(name)
            await adapter.open()
            assert await adapter.bonded() == {bonded}
            bluetoothd.busy = 2
            await adapter.reset()
            assert bluetoothd.switched == [(path, False), (path, True)]
            bluetoothd.busy = 3
            with pytest.raises(errors.RadioUnavailable, match="not yet"):
                await adapter.reset()
            await adapter.close()

    asyncio.run(asyncio.wait_for(story(), 10))


def test_two_adapters_answer_from_one_list(bus_folder):
    """bluetoothd asks the agent that came last, whichever adapter it is about."""

    async def story() -> None:
        async with bluetooth(bus_folder) as (bluetoothd, _):
            first, second = [
                radio._stack.adapter for radio in open_radios("bluez:hci0,hci1", bus_folder)
            ]
            await second.open()
            first.expect(CUFF, Pairing(passkey=9))
            assert await bluetoothd.asks("RequestPasskey", "o", CUFF_PATH) == 9
            await second.close()

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
    ("raised", "terms", "ours"),
    [
        ("bluez.Error.AuthenticationFailed", Terms(CUFF, bonded=True), errors.StaleBond),
        ("bluez.Error.AuthenticationFailed", Terms(CUFF), errors.PairingRefused),
        ("bluez.Error.AuthenticationFailed", Terms(CUFF, has_digits=True), errors.WrongPasskey),
        ("bluez.Error.AuthenticationRejected", Terms(CUFF), errors.PasskeyNeeded),
        ("bluez.Error.AuthenticationRejected", Terms(CUFF, may_pair=False), errors.PairingClosed),
        ("bluez.Error.AuthenticationTimeout", Terms(CUFF, has_digits=True), errors.PairingRefused),
        ("bluez.Error.InProgress", Terms(CUFF), errors.DeviceBusy),
        ("bluez.Error.NotReady", Terms(CUFF), errors.RadioUnavailable),
        ("bluez.Error.Failed", Terms(CUFF), errors.DeviceGone),
        ("freedesktop.DBus.Error.UnknownObject", Terms(CUFF), errors.DeviceGone),
        ("freedesktop.DBus.Error.ServiceUnknown", Terms(CUFF), errors.RadioUnavailable),
    ],
)
def test_what_bluetoothd_says_about_a_device_leaves_in_our_words(raised, terms, ours):
    with pytest.raises(ours), device_errors(terms):
        raise BleakDBusError(f"org.{raised}", ["words of bluetoothd"])


@pytest.mark.parametrize(
    ("terms", "ours"),
    [
        (Terms(CUFF, may_pair=False), errors.PairingClosed),
        (Terms(CUFF), errors.ProtocolError),
        (Terms(CUFF, bonded=True, may_pair=False), errors.ProtocolError),
    ],
)
def test_a_request_refused_for_want_of_a_bond_says_that_nobody_allowed_one(terms, ours):
    with pytest.raises(ours), device_errors(terms):
        raise BleakGATTProtocolError(0x05)


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
    with pytest.raises(ours) as caught, device_errors(Terms(CUFF)):
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
    with pytest.raises(errors.RadioUnavailable) as caught, radio_errors():
        raise raised
    assert caught.value.remedy
