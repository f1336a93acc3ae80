"""What bumble alone does to read one new record: the least that anybody's session costs.

It listens, connects, encrypts (or pairs, the first time), asks for the longest packets, discovers
every service as a general client does, subscribes, asks for the records from a number on, waits for
the answer and hangs up. It stores nothing, and takes no error into account.
"""

import asyncio
from pathlib import Path
from typing import Any

from bumble import hci
from bumble.device import Advertisement, Device, DeviceConfiguration, Peer
from bumble.gatt_client import CharacteristicProxy
from bumble.host import Host
from bumble.keys import JsonKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport

from yikao_devices import gatt

OWN_ADDRESS = "C0:00:00:00:00:01"
MTU_BYTES = 517
SUBSCRIBED = (
    gatt.GLUCOSE_MEASUREMENT_CONTEXT,
    gatt.GLUCOSE_MEASUREMENT,
    gatt.RECORD_ACCESS_CONTROL_POINT,
)


class BareClient:
    """A bumble host with a scanner that runs; `open`, sessions, `close`."""

    def __init__(self, transport: str, folder: Path) -> None:
        self._transport_name = transport
        self._bonds = JsonKeyStore(OWN_ADDRESS, str(folder / "bare-bonds.json"))
        self._awaited = ""
        self._heard: asyncio.Future[hci.Address]

    async def open(self) -> None:
        self._transport = await open_transport(self._transport_name)
        config = DeviceConfiguration(name="bare", address=hci.Address(OWN_ADDRESS))
        host = Host(self._transport.source, self._transport.sink)
        self._device = Device(config=config, host=host)
        keys = PairingDelegate.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY
        delegate = PairingDelegate(
            local_initiator_key_distribution=keys, local_responder_key_distribution=keys
        )
        self._device.pairing_config_factory = lambda _: PairingConfig(
            sc=True, mitm=False, delegate=delegate
        )
        self._device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await self._device.power_on()
        self._device.keystore = self._bonds
        await self._device.start_scanning()

    async def close(self) -> None:
        await self._transport.close()

    async def session(self, address: str, first_record: int) -> int:
        """Read the records of `address` from a number on; return how many came."""
        self._heard = asyncio.get_running_loop().create_future()
        self._awaited = address
        connection = await self._device.connect_le(await self._heard, timeout=None)
        if await self._bonds.get(str(connection.peer_address)) is None:
            await connection.pair()
        else:
            await connection.encrypt()
        peer = Peer(connection)
        await peer.request_mtu(MTU_BYTES)
        found = await _discover(peer)
        records, ended = 0, asyncio.Event()

        def on_record(_: bytes) -> None:
            nonlocal records
            records += 1

        listeners = (lambda _: None, on_record, lambda _: ended.set())
        for number, listener in zip(SUBSCRIBED, listeners, strict=True):
            await peer.subscribe(found[number], listener)
        ask = b"\x01\x03\x01" + first_record.to_bytes(2, "little")
        await peer.write_value(found[gatt.RECORD_ACCESS_CONTROL_POINT], ask, with_response=True)
        await ended.wait()
        await connection.disconnect()
        return records

    def _on_advertisement(self, heard: Advertisement) -> None:
        if heard.address.to_string(False) == self._awaited and not self._heard.done():
            self._heard.set_result(heard.address)


async def _discover(peer: Peer) -> dict[int, CharacteristicProxy[Any]]:
    """Return every characteristic by its 16-bit number, with its descriptors."""
    found: dict[int, CharacteristicProxy[Any]] = {}
    for service in await peer.discover_services():
        for each in await service.discover_characteristics():
            if each.end_group_handle > each.handle:
                await each.discover_descriptors()
            each.descriptors_discovered = True
            number = bytes(each.uuid.to_bytes(force_128=False))
            if len(number) == 2:
                found[int.from_bytes(number, "little")] = each
    return found
