"""Hears advertisements through the simulated adapter, in the way bleak's scanners do.

A backend of `bleak.BleakScanner`: the session code cannot tell it from BlueZ. Advertising data
comes from anybody in reach, so malformed parts are skipped and never raise.

Layout: Bluetooth Core Specification Supplement, Part A (names 1.2, service lists 1.1).
"""

import uuid
from collections.abc import Iterator
from typing import Any

from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)
from bleak.uuids import normalize_uuid_16
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement

from yikao_gateway.radio.bumble_adapter import BumbleAdapter

NAMES = (AdvertisingData.COMPLETE_LOCAL_NAME, AdvertisingData.SHORTENED_LOCAL_NAME)
SERVICES_16 = (
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
)
SERVICES_128 = (
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
SEEN_MAX = 512
"""Devices remembered; a home has a handful, the rest are passers-by."""


class BumbleScanner(BaseBleakScanner):
    """`BleakScanner(callback, backend=BumbleScanner, bumble=adapter)`."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        *,
        bumble: BumbleAdapter,
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._adapter = bumble

    async def start(self) -> None:
        self.seen_devices.clear()
        await self._adapter.listen(self._hear)

    async def stop(self) -> None:
        await self._adapter.unlisten(self._hear)

    def _hear(self, heard: Advertisement) -> None:
        data = decode(heard)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        address = heard.address.to_string(False)
        device = self.create_or_update_device(address, address, data.local_name, None, data)
        # bleak keeps every device it has ever seen, and passers-by never end.
        if len(self.seen_devices) > SEEN_MAX:
            del self.seen_devices[next(iter(self.seen_devices))]
        self.call_detection_callbacks(device, data)


def uuid_text(value: UUID) -> str:
    """Return `value` as bleak writes it: 128 bits, lower case."""
    return str(uuid.UUID(bytes=value.to_bytes(force_128=True)[::-1]))


def decode(heard: Advertisement) -> AdvertisementData:
    """Return what `heard` says in bleak's terms: name, services, strength and flags."""
    names = [raw.decode(errors="replace") for raw in _parts(heard, NAMES)]
    services = {
        normalize_uuid_16(int.from_bytes(each, "little"))
        for raw in _parts(heard, SERVICES_16)
        for each in _chunks(raw, 2)
    } | {
        str(uuid.UUID(bytes=each[::-1]))
        for raw in _parts(heard, SERVICES_128)
        for each in _chunks(raw, 16)
    }
    flags = next(_parts(heard, (AdvertisingData.FLAGS,)), b"")
    return AdvertisementData(
        local_name=names[0] if names else None,
        manufacturer_data={},
        service_data={},
        service_uuids=sorted(services),
        tx_power=None,
        rssi=heard.rssi,
        platform_data=(heard.address.to_string(False), {"AdvertisingFlags": flags}),
    )


def _parts(heard: Advertisement, kinds: tuple[AdvertisingData.Type, ...]) -> Iterator[bytes]:
    for kind in kinds:
        yield from heard.data.get_all(kind, raw=True)


def _chunks(raw: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(raw) - size + 1, size):
        yield raw[start : start + size]
