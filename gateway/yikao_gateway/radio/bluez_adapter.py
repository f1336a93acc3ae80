"""The gateway's part in pairing on Linux: it answers when bluetoothd asks for the passkey.

bluetoothd owns the radio and the bonds, but a gateway has no screen on which somebody could
confirm a pairing, so even "just works" fails unless a program registers itself as the agent.

Source: BlueZ 5.66, doc/agent-api.txt.
"""

import asyncio
import logging

from dbus_fast import BusType, DBusError, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt16, DBusUInt32
from dbus_fast.errors import DBusFastError
from dbus_fast.service import ServiceInterface, dbus_method

from yikao_gateway.radio.errors import RadioUnavailable

log = logging.getLogger(__name__)

AGENT_PATH = "/org/yikao/agent"
CAPABILITY = "KeyboardDisplay"
"""Lets a device choose: just works where it has no display, its six digits where it has."""
REJECTED = "org.bluez.Error.Rejected"
OPEN_MAX_S = 5.0
"""bluetoothd answers within milliseconds; a wedged one never does."""


class Agent(ServiceInterface):
    """Answers bluetoothd's questions with what `BluezAdapter.expect` was told."""

    def __init__(self, passkeys: dict[str, int | None]) -> None:
        super().__init__("org.bluez.Agent1")
        self._passkeys = passkeys

    @dbus_method("RequestPasskey")
    def request_passkey(self, device: DBusObjectPath) -> DBusUInt32:
        return self._passkey(device)

    @dbus_method("RequestPinCode")
    def request_pin_code(self, device: DBusObjectPath) -> DBusStr:
        return f"{self._passkey(device):06d}"

    @dbus_method("RequestConfirmation")
    def request_confirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:
        """Confirm only a number that a person has given: nobody looks at the gateway."""
        if self._passkey(device) != passkey:
            raise DBusError(REJECTED, "nobody confirmed this number")

    @dbus_method("RequestAuthorization")
    def request_authorization(self, device: DBusObjectPath) -> None:
        self._authorize(device)

    @dbus_method("AuthorizeService")
    def authorize_service(self, device: DBusObjectPath, service: DBusStr) -> None:
        self._authorize(device)

    @dbus_method("DisplayPasskey")
    def display_passkey(
        self, device: DBusObjectPath, passkey: DBusUInt32, entered: DBusUInt16
    ) -> None: ...

    @dbus_method("DisplayPinCode")
    def display_pin_code(self, device: DBusObjectPath, pin: DBusStr) -> None: ...

    @dbus_method("Release")
    def release(self) -> None: ...

    @dbus_method("Cancel")
    def cancel(self) -> None: ...

    def _passkey(self, device: str) -> int:
        passkey = self._passkeys.get(address_of(device))
        if passkey is None:
            raise DBusError(REJECTED, "no passkey was given for this device")
        return passkey

    def _authorize(self, device: str) -> None:
        """Accept "just works" from a device that a session has been started with, no other."""
        if address_of(device) not in self._passkeys:
            raise DBusError(REJECTED, "no session with this device")


class BluezAdapter:
    """The connection to bluetoothd on which the agent is registered."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self._passkeys: dict[str, int | None] = {}
        self._bus: MessageBus | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.lost.clear()
        try:
            async with asyncio.timeout(OPEN_MAX_S):
                self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
                self._bus.export(AGENT_PATH, Agent(self._passkeys))
                await self._ask("RegisterAgent", "os", [AGENT_PATH, CAPABILITY])
                await self._ask("RequestDefaultAgent", "o", [AGENT_PATH])
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

    def expect(self, address: str, passkey: int | None) -> None:
        """Note the passkey to enter when `address` asks for one; None is "just works"."""
        self._passkeys[address] = passkey

    async def _ask(self, member: str, signature: str, body: list[str]) -> None:
        assert self._bus is not None
        reply = await self._bus.call(
            Message(
                destination="org.bluez",
                path="/org/bluez",
                interface="org.bluez.AgentManager1",
                member=member,
                signature=signature,
                body=body,
            )
        )
        if reply.message_type is MessageType.ERROR:
            raise DBusError(reply.error_name or "org.freedesktop.DBus.Error", str(reply.body))

    async def _notice_loss(self, bus: MessageBus) -> None:
        try:
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # theirs
        except (OSError, EOFError, DBusFastError) as error:
            log.warning("lost the system bus", extra={"why": repr(error)})
        self.lost.set()


def address_of(device: str) -> str:
    """Return the address in a bluetoothd object path, `/org/bluez/hci0/dev_C4_1D_...`."""
    return device.rpartition("/dev_")[2].replace("_", ":").upper()
