"""What the gateway remembers of each device: its names, how far it was read, what is wrong now.

A problem is remembered so that people are told when it changes, not at every attempt.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import json

from yikao_gateway.database import Database

RECORD_MAX: Final = 0xFFFF
"""A record number has 16 bits."""
DEVICES_MAX: Final = 200
"""Devices named in the birth message; a home has a handful."""

_decode_identity: Final = json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """One device; `next_record` is the first record number not stored yet, None before any."""

    address: str
    model: str
    identity: dict[str, str]
    next_record: int | None
    problem: str | None
    battery_low: bool


class KnownDevices:
    """The devices in a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, address: str) -> KnownDevice | None:
        """Return what is known of a device, or None."""
        rows = self._database.read(
            "SELECT address, model, identity, next_record, problem, battery_low FROM device"
            " WHERE address = ?",
            (address,),
        )
        for found, model, identity, next_record, problem, low in rows:
            names = _decode_identity(identity)
            return KnownDevice(found, model, names, next_record, problem, bool(low))
        return None

    def addresses(self) -> tuple[str, ...]:
        """Return the devices read so far, the latest first."""
        rows = self._database.read(
            "SELECT address FROM device ORDER BY last_seen DESC LIMIT ?", (DEVICES_MAX,)
        )
        return tuple(address for (address,) in rows)

    def note(self, device: KnownDevice, at: datetime) -> None:
        """Remember `device` as it is now."""
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO device VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE"
                " SET model = excluded.model, identity = excluded.identity,"
                " next_record = excluded.next_record, problem = excluded.problem,"
                " battery_low = excluded.battery_low, last_seen = excluded.last_seen",
                (
                    device.address,
                    device.model,
                    json.encode(device.identity),
                    device.next_record,
                    device.problem,
                    device.battery_low,
                    at.timestamp(),
                ),
            )
