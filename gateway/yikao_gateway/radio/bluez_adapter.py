"""The gateway's part in pairing on Linux, and what else bleak does not do: bonds and the switch.

bluetoothd owns the radio and the bonds, but a gateway has no screen on which somebody could
confirm a pairing, so even "just works" fails unless a program registers itself as the agent. It
says yes only for a device that a session was started with, and only when a bond is allowed.

Sources: BlueZ 5.66, doc/agent-api.txt, doc/adapter-api.txt, doc/device-api.txt.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, Final

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt16, DBusUInt32
from dbus_fast.errors import DBusFastError
from dbus_fast.service import ServiceInterface, dbus_method

from yikao_devices.gatt import uuid16
from yikao_gateway.radio.bluez_refusals import until_refused
from yikao_gateway.radio.errors import RadioUnavailable
from yikao_gateway.radio.ports import DIGITS_MAX_S, Advertisement, IsOurs, Pairing

log = logging.getLogger(__name__)

AGENT_PATH: Final = "/org/yikao/agent"
CAPABILITY: Final = "KeyboardDisplay"
"""Lets a device choose: just works where it has no display, its six digits where it has."""
REJECTED: Final = "org.bluez.Error.Rejected"
CANCELED: Final = "org.bluez.Error.Canceled"
OPEN_MAX_S: Final = 5.0
"""bluetoothd answers within milliseconds; a wedged one never does."""
POWER_ON_TRIES: Final = 3
POWER_ON_PAUSE_S: Final = 1.0
ADAPTER: Final = "org.bluez.Adapter1"
DEVICE: Final = "org.bluez.Device1"
EXPECTED_MAX: Final = 512
"""Devices whose terms are remembered; a home has a handful."""


class Agent(ServiceInterface):
    """Answers bluetoothd's questions with what `BluezAdapter.expect` was told."""

    def __init__(self, pairings: Mapping[str, Pairing]) -> None:
        super().__init__("org.bluez.Agent1")
        self._pairings = pairings
        self._questions: set[asyncio.Future[int]] = set()

    @dbus_method("RequestPasskey")
    async def request_passkey(self, device: DBusObjectPath) -> DBusUInt32:
        return await self._digits(device)

    @dbus_method("RequestPinCode")
    async def request_pin_code(self, device: DBusObjectPath) -> DBusStr:
        return f"{await self._digits(device):06d}"

    @dbus_method("RequestConfirmation")
    async def request_confirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:
        """Confirm only the number that a person has read off the device."""
        if await self._digits(device) != passkey:
            raise DBusError(REJECTED, "nobody confirmed this number")

    @dbus_method("RequestAuthorization")
    def request_authorization(self, device: DBusObjectPath) -> None:
        self._allowed(device)

    @dbus_method("AuthorizeService")
    def authorize_service(self, device: DBusObjectPath, service: DBusStr) -> None:
        self._allowed(device)

    @dbus_method("DisplayPasskey")
    def display_passkey(
        self, device: DBusObjectPath, passkey: DBusUInt32, entered: DBusUInt16
    ) -> None:
        self._show(device, passkey)

    @dbus_method("DisplayPinCode")
    def display_pin_code(self, device: DBusObjectPath, pin: DBusStr) -> None:
        self._show(device, int(pin) if pin.isdecimal() else None)

    @dbus_method("Release")
    def release(self) -> None: ...

    @dbus_method("Cancel")
    def cancel(self) -> None:
        """Take back what a person is being asked: the device has given up."""
        for question in self._questions:
            question.cancel()

    def _allowed(self, device: str) -> Pairing:
        """Return the terms of a device that a session was started with and that may be paired."""
        pairing = self._pairings.get(address_of(device))
        if pairing is None or not pairing.allowed:
            raise DBusError(REJECTED, "nobody has allowed this device to be paired")
        return pairing

    async def _digits(self, device: str) -> int:
        pairing = self._allowed(device)
        if pairing.passkey is not None:
            return pairing.passkey
        if pairing.ask is None:
            raise DBusError(REJECTED, "no passkey was given for this device")
        question = asyncio.ensure_future(pairing.ask())
        self._questions.add(question)
        try:
            await asyncio.wait({question}, timeout=DIGITS_MAX_S)
        finally:
            self._questions.discard(question)
            question.cancel()
        if not question.done() or question.cancelled():
            raise DBusError(CANCELED, "nobody has entered the digits")
        return question.result()

    def _show(self, device: str, digits: int | None) -> None:
        show = self._allowed(device).show
        if show is None or digits is None:
            raise DBusError(REJECTED, "nobody is there to type digits on this device")
        show(digits)


class BluezAdapter:
    """The connection to bluetoothd on which the agent is registered.

    name: which of the machine's adapters, "hci0"; None is the first. pairings: one for all
    adapters of a machine, for bluetoothd asks one agent about all of them.
    """

    def __init__(self, name: str | None = None, pairings: dict[str, Pairing] | None = None) -> None:
        self.name = name or "bluez"
        self.lost = asyncio.Event()
        self._pairings = {} if pairings is None else pairings
        self._path = None if name is None else f"/org/bluez/{name}"
        self._bus: MessageBus | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.lost.clear()
        try:
            async with asyncio.timeout(OPEN_MAX_S):
                self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
                self._bus.export(AGENT_PATH, Agent(self._pairings))
                manager = ("/org/bluez", "org.bluez.AgentManager1")
                await self._ask(*manager, "RegisterAgent", "os", AGENT_PATH, CAPABILITY)
                await self._ask(*manager, "RequestDefaultAgent", "o", AGENT_PATH)
        except (OSError, EOFError, DBusFastError, DBusError) as error:
            await self.close()
            raise RadioUnavailable(
                f"bluetoothd cannot be reached ({error or type(error).__name__})",
                "install and start it: `apt install bluez`, `systemctl start bluetooth`",
            ) from error
        self._watch = asyncio.create_task(self._notice_loss(self._bus))

    async def close(self) -> None:
        bus, self._bus = self._bus, None
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        if bus is not None:
            bus.disconnect()

    async def reset(self) -> None:
        """Switch the adapter off and on; what hangs in its firmware is then forgotten."""
        path = await self._adapter()
        await self._switch(path, on=False)
        for attempt in range(1, POWER_ON_TRIES + 1):
            try:
                await self._switch(path, on=True)
                break
            except RadioUnavailable:
                # For a moment after it was switched off an adapter is busy with that.
                if attempt == POWER_ON_TRIES:
                    raise
            await asyncio.sleep(POWER_ON_PAUSE_S)

    async def bonded(self) -> frozenset[str]:
        devices = await self._devices()
        return frozenset(address_of(path) for path, known in devices.items() if known.get("Paired"))

    async def release(self, is_ours: IsOurs) -> None:
        for path, known in (await self._devices()).items():
            services = frozenset(n for u in known.get("UUIDs", ()) if (n := uuid16(u)) is not None)
            device = Advertisement(address_of(path), known.get("Name"), services, None)
            if known.get("Connected") and is_ours(device):
                log.info("hanging up for a gateway before us", extra={"device": device.address})
                # It may have gone by itself; a bluetoothd that is gone is noticed elsewhere.
                with contextlib.suppress(RadioUnavailable):
                    await self._asked(path, DEVICE, "Disconnect", "")

    async def _devices(self) -> dict[str, dict[str, Any]]:
        """Return what bluetoothd knows of the devices of our adapter, by object path."""
        ours = f"{await self._adapter()}/"
        return {
            path: {name: variant.value for name, variant in interfaces[DEVICE].items()}
            for path, interfaces in (await self._objects()).items()
            if path.startswith(ours) and DEVICE in interfaces
        }

    async def bond_refused(self, address: str) -> None:
        """Return when the device at `address` has shown that it knows our bond no more."""
        gone = (RadioUnavailable, OSError, EOFError, DBusFastError, DBusError)
        with contextlib.suppress(*gone):
            path = f"{await self._adapter()}/dev_{address.replace(':', '_')}"
            bus, known = self._bus, (await self._devices()).get(path, {})
            if bus is not None:
                await until_refused(bus, path, known.get("RSSI"))
                return
        # Without the bus nobody can tell; whoever waits has a deadline.
        await asyncio.Event().wait()

    def expect(self, address: str, pairing: Pairing) -> None:
        """Note on what terms `address` may be paired."""
        self._pairings.pop(address, None)
        self._pairings[address] = pairing
        if len(self._pairings) > EXPECTED_MAX:
            del self._pairings[next(iter(self._pairings))]

    async def _switch(self, path: str, *, on: bool) -> None:
        body = (ADAPTER, "Powered", Variant("b", on))
        await self._asked(path, "org.freedesktop.DBus.Properties", "Set", "ssv", *body)

    async def _adapter(self) -> str:
        """Return the path of our adapter, with none named that of the first."""
        if self._path is not None:
            return self._path
        paths = sorted(path for path, known in (await self._objects()).items() if ADAPTER in known)
        if not paths:
            raise RadioUnavailable("no Bluetooth adapter", "plug one in")
        return paths[0]

    async def _objects(self) -> dict[str, dict[str, dict[str, Variant]]]:
        interface = "org.freedesktop.DBus.ObjectManager"
        objects: dict[str, dict[str, dict[str, Variant]]] = await self._asked(
            "/", interface, "GetManagedObjects", ""
        )
        return objects

    async def _asked(
        self, path: str, interface: str, member: str, signature: str, *body: Any
    ) -> Any:
        """Ask in time; raise `RadioUnavailable` when there is no answer, or it is an error."""
        try:
            async with asyncio.timeout(OPEN_MAX_S):
                return await self._ask(path, interface, member, signature, *body)
        except (TimeoutError, OSError, EOFError, DBusFastError, DBusError) as error:
            raise RadioUnavailable(
                f"bluetoothd does not answer {member} ({error or type(error).__name__})",
                "restart it with `systemctl restart bluetooth`",
            ) from error

    async def _ask(self, path: str, interface: str, member: str, signature: str, *body: Any) -> Any:
        if self._bus is None:
            raise EOFError("not connected to the system bus")
        reply = await self._bus.call(
            Message(
                destination="org.bluez",
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )
        if reply.message_type is MessageType.ERROR:
            raise DBusError(reply.error_name or "org.freedesktop.DBus.Error", str(reply.body))
        return reply.body[0] if reply.body else None

    async def _notice_loss(self, bus: MessageBus) -> None:
        try:
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # theirs
        except (OSError, EOFError, DBusFastError) as error:
            log.warning("lost the system bus", extra={"why": repr(error)})
        self.lost.set()


def address_of(device: str) -> str:
    """Return the address in a bluetoothd object path, `/org/bluez/hci0/dev_C4_1D_...`."""
    return device.rpartition("/dev_")[2].replace("_", ":").upper()
