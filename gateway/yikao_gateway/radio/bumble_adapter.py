"""The simulated Bluetooth adapter: one software host on one HCI socket, shared by all sessions.

The simulator, or any other virtual controller, offers its Host Controller Interface on a socket;
bumble is the host on our side of it. This is the counterpart of the adapter `hci0` that BlueZ owns
on a real gateway.

Implements the host side of Bluetooth Core Specification, Vol 4, Part E, through bumble.
"""

import asyncio
import contextlib
import logging
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from bumble import core, hci
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.pairing import PairingConfig
from bumble.transport.common import Transport, TransportLostError
from bumble.transport.tcp_client import open_tcp_client_transport
from bumble.transport.unix import open_unix_client_transport

from yikao_gateway.radio.bumble_keys import Bonds, Pairer, own_address
from yikao_gateway.radio.cut_short import CutShortError, until
from yikao_gateway.radio.errors import DeviceBusy, DeviceGone, RadioUnavailable
from yikao_gateway.radio.ports import IsOurs, Pairing

log = logging.getLogger(__name__)

COMMAND_MAX_S = 5.0
"""A controller answers a command within milliseconds; after this long it is none."""
CANCEL_MAX_S = 0.5
"""How long the clean-up after a failed connection may keep the next one waiting."""
JUST_HEARD_S = 0.05
"""An advertisement this fresh proves that the device still listens (the shortest interval at which
devices advertise is 20 ms, Vol 6, Part B, 4.4.2.2)."""

HEARD_MAX = 512
"""How many addresses heard are remembered: a home has a handful, the rest are passers-by."""

Listener = Callable[[Advertisement], None]


class QuietHost(Host):
    """Hands packets on without putting each into words.

    bumble does that whatever the log's level, and it is a quarter of what listening costs.
    """

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        match packet:
            case hci.HCI_Event():
                self.on_hci_event_packet(packet)
            case hci.HCI_AclDataPacket():
                self.on_hci_acl_data_packet(packet)
            case _:
                super().on_hci_packet(packet)


class BumbleAdapter:
    """One host over one HCI socket; `open` before use, `close` after, and again."""

    def __init__(self, transport: str, state_dir: Path) -> None:
        """Take `unix:PATH` or `tcp:HOST:PORT`, and where address and bonds are kept."""
        self.name = self.transport = transport
        self.state_dir = state_dir
        self.lost = asyncio.Event()
        self._pairers: dict[str, Pairer] = {}
        self._listeners: list[Listener] = []
        self._heard: dict[str, tuple[hci.Address, float]] = {}
        self._scan_lock = asyncio.Lock()
        self._connect_lock = asyncio.Lock()
        self._awaited: hci.Address | None = None
        self._claimed: weakref.WeakSet[Connection] = weakref.WeakSet()
        """The connections that were handed to somebody, who hangs them up."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._hci: Transport | None = None
        self._gone: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Connect the socket and start the controller; `RadioUnavailable` says what to do."""
        self.lost.clear()
        try:
            with self._opening_errors():
                async with asyncio.timeout(COMMAND_MAX_S):
                    self._hci = await self._dial()
                    self._gone = self._hci.source.terminated
                    self.gone.add_done_callback(self._on_gone)
                    await self._power_on(self._hci)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Hang up the socket and wait until it is closed; the controller drops its links."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listeners.clear()
        transport, self._hci = self._hci, None
        if transport is not None:
            await transport.close()
            # Servers with one controller for all callers mix up this call and the next otherwise;
            # one that never lets go must not keep us from calling again.
            await asyncio.wait({self.gone}, timeout=COMMAND_MAX_S)

    async def reset(self) -> None:
        """Hang up and call again: the other end gives us a controller that was just reset."""
        await self.close()
        await self.open()

    async def bond_refused(self, address: str) -> None:
        """Never return: here the connection itself fails with the reason."""
        await asyncio.Event().wait()

    def expect(self, address: str, pairing: Pairing) -> None:
        """Note how `address` may be paired."""
        self._pairers.pop(address, None)
        self._pairers[address] = Pairer(pairing)
        if len(self._pairers) > HEARD_MAX:
            del self._pairers[next(iter(self._pairers))]

    def pairer(self, address: str) -> Pairer:
        """Return who pairs with `address`; nobody may, unless it was expected."""
        return self._pairers.get(address) or Pairer(Pairing(allowed=False))

    async def release(self, is_ours: IsOurs) -> None:
        """Do nothing: the socket's end has taken down every link."""

    async def bonded(self) -> frozenset[str]:
        return frozenset(name.removesuffix("/P") for name, _ in await self.bonds.get_all())

    async def forget(self, address: str) -> None:
        """Remove the bonds with `address`."""
        for name in (address, f"{address}/P"):
            await self.bonds.delete(name)

    @property
    def gone(self) -> asyncio.Future[None]:
        """Done once the socket is closed, by whichever side; there is none before `open`."""
        assert self._gone is not None
        return self._gone

    def check(self) -> None:
        """Raise `RadioUnavailable` unless the socket is up."""
        if self._gone is None or self._gone.done():
            raise RadioUnavailable(
                f"the simulated radio at {self.transport} has gone away", "start it again"
            )

    # Listening

    @contextlib.asynccontextmanager
    async def listening(self, listener: Listener) -> AsyncIterator[None]:
        """Hand every advertisement to `listener` while the block runs."""
        await self.listen(listener)
        try:
            yield
        finally:
            await self.unlisten(listener)

    async def listen(self, listener: Listener) -> None:
        self.check()
        async with self._scan_lock:
            if not self._listeners:
                await self._command(self.device.start_scanning())
            self._listeners.append(listener)

    async def unlisten(self, listener: Listener) -> None:
        async with self._scan_lock:
            if listener in self._listeners:
                self._listeners.remove(listener)
                if not self._listeners and not self.gone.done():
                    await self._command(self.device.stop_scanning())

    async def _command(self, command: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(COMMAND_MAX_S):
                await until(self.gone, command)
        except (TimeoutError, CutShortError, TransportLostError, core.BaseBumbleError) as error:
            raise RadioUnavailable(
                f"the controller at {self.transport} does not answer", "start it again"
            ) from error

    # Connecting

    async def connect(self, address: str) -> Connection:
        """Return a connection to `address` once it advertises; the caller holds the deadline.

        The controller is told to connect only to a device that was heard this very moment: virtual
        controllers never report the end of a cancelled attempt, and one that waits for an absent
        device would block every later connection.
        """
        self.check()
        try:
            connection = await until(self.gone, self._connect(address))
        except (CutShortError, TransportLostError):
            self.check()
            raise
        except BaseException:
            await self._drop_unclaimed(address)
            raise
        self._claimed.add(connection)
        return connection

    async def _connect(self, address: str) -> Connection:
        news = asyncio.Event()

        def hear(advertisement: Advertisement) -> None:
            if advertisement.address.to_string(False) == address:
                news.set()

        if self._was_just_heard(address):
            news.set()
        async with self.listening(hear):
            while True:
                await news.wait()
                if not self._connect_lock.locked():
                    async with self._connect_lock:
                        return await self._initiate(self._heard[address][0])
                # Wait until the other connection is up, and then for a sign of life again.
                async with self._connect_lock:
                    news.clear()

    def _was_just_heard(self, address: str) -> bool:
        at_s = self._heard[address][1] if address in self._heard else -JUST_HEARD_S
        return asyncio.get_running_loop().time() - at_s < JUST_HEARD_S

    async def _initiate(self, peer: hci.Address) -> Connection:
        address = peer.to_string(False)
        self._awaited = peer
        try:
            return await self.device.connect_le(peer, timeout=None)
        except core.BaseError as error:
            if error.error_code == hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR:
                raise DeviceBusy(address, "the controller still seeks another") from error
            raise DeviceGone(address, f"not connected: {error}") from error
        except asyncio.CancelledError:
            await self._stop_initiating()
            raise
        finally:
            self._awaited = None
            # Without it bumble stumbles over a connection that completes after it was given up.
            self.device.connect_own_address_type = hci.OwnAddressType.RANDOM

    async def _stop_initiating(self) -> None:
        self._awaited = None
        cancel = hci.HCI_LE_Create_Connection_Cancel_Command()
        await self._clean_up(self.device.send_sync_command(cancel))

    async def _drop_unclaimed(self, address: str) -> None:
        """Hang up a connection that completed at the very moment it was given up."""
        for connection in tuple(self.device.connections.values()):
            theirs = connection.peer_address.to_string(False)
            if theirs == address and connection not in self._claimed:
                await self.hang_up(connection)

    def _on_connection(self, connection: Connection) -> None:
        """Drop a connection nobody waits for any more, so that its device is free again."""
        if connection.peer_address != self._awaited:
            log.info("late connection dropped", extra={"address": str(connection.peer_address)})
            task = asyncio.ensure_future(self.hang_up(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def is_up(self, connection: Connection) -> bool:
        return self.device.connections.get(connection.handle) is connection

    async def hang_up(self, connection: Connection) -> None:
        """Disconnect; a link that is down already, or will not answer, is no error."""
        if self.is_up(connection):
            await self._clean_up(connection.disconnect())

    async def _clean_up(self, command: Coroutine[Any, Any, Any]) -> None:
        with contextlib.suppress(
            TimeoutError, CutShortError, TransportLostError, core.BaseBumbleError
        ):
            async with asyncio.timeout(CANCEL_MAX_S):
                await until(self.gone, command)

    # Opening

    @contextlib.contextmanager
    def _opening_errors(self) -> Iterator[None]:
        try:
            yield
        except (TimeoutError, TransportLostError, core.BaseBumbleError) as error:
            raise RadioUnavailable(
                f"no Bluetooth controller answers at {self.transport}",
                "something else listens there; give the address printed by `yikao-sim air`",
            ) from error
        except OSError as error:
            raise RadioUnavailable(
                f"cannot reach the simulated radio at {self.transport} ({error.strerror or error})",
                f"start it with `yikao-sim air --listen {self.transport}` or correct `radio`",
            ) from error

    async def _dial(self) -> Transport:
        match self.transport.split(":", 1):
            case ["unix", path]:
                return await open_unix_client_transport(path)
            case ["tcp", host_and_port]:
                return await open_tcp_client_transport(host_and_port)
            case _:
                raise AssertionError(self.transport)

    async def _power_on(self, transport: Transport) -> None:
        address = own_address(self.state_dir)
        self.bonds = Bonds(self.state_dir, address)
        config = DeviceConfiguration(name="Yikao gateway", address=address)
        self.device = Device(config=config, host=QuietHost(transport.source, transport.sink))
        self.device.keystore = self.bonds
        self.device.pairing_config_factory = self._pairing_config
        self.device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        self.device.on(Device.EVENT_CONNECTION, self._on_connection)
        await self.device.power_on()

    def _on_gone(self, gone: asyncio.Future[None]) -> None:
        if self._hci is not None and gone is self.gone:
            self.lost.set()

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        address = advertisement.address
        name = address.to_string(False)
        self._heard.pop(name, None)
        self._heard[name] = (address, asyncio.get_running_loop().time())
        if len(self._heard) > HEARD_MAX:
            (oldest, _) = self._heard.pop(next(iter(self._heard)))
            # bumble keeps one for each address it has ever heard, and phones change theirs often.
            self.device.advertisement_accumulators.pop(oldest, None)
        for listener in tuple(self._listeners):
            listener(advertisement)

    def _pairing_config(self, connection: Connection) -> PairingConfig:
        pairer = self.pairer(connection.peer_address.to_string(False))
        return PairingConfig(sc=True, mitm=pairer.mitm, delegate=pairer)
