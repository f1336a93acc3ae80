"""What the gateway remembers of each device: its names, how far it was read, what is wrong now.

A problem is remembered so that people are told when it changes, not at every attempt.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from sqlite3 import Cursor
from typing import Final

from msgspec import json

from yikao_devices.clock_epochs import ClockSeen
from yikao_gateway.store.database import Database
from yikao_gateway.store.soundness import moment_of

RECORD_MAX: Final = 0xFFFF
"""A record number has 16 bits."""
DEVICES_MAX: Final = 200
"""Devices named in the birth message; a home has a handful."""

_decode_identity: Final = json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """One device; `next_record` is the first record number not stored yet, None before any.

    clock: what to date the next visit's records by, beside what that finds itself.
    """

    address: str
    model: str
    identity: dict[str, str]
    next_record: int | None
    problem: str | None
    battery_low: bool
    clock: ClockSeen | None = None


class KnownDevices:
    """The devices in a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, address: str) -> KnownDevice | None:
        """Return what is known of a device, or None."""
        rows = self._database.read(
            "SELECT address, model, identity, next_record, problem, battery_low, clock_at,"
            " clock_ahead_s, clock_over, clock_drained FROM device WHERE address = ?",
            (address,),
        )
        for found, model, identity, next_record, problem, low, *clock in rows:
            names = _decode_identity(identity)
            return KnownDevice(found, model, names, next_record, problem, bool(low), _seen(*clock))
        return None

    def addresses(self) -> tuple[str, ...]:
        """Return the devices read so far, the latest first."""
        rows = self._database.read(
            "SELECT address FROM device ORDER BY last_seen DESC LIMIT ?", (DEVICES_MAX,)
        )
        return tuple(address for (address,) in rows)

    def seen(self) -> list[tuple[KnownDevice, datetime]]:
        """Return every device that was read, and when (in UTC), the latest first."""
        found = self._database.read("SELECT address, last_seen FROM device")
        times = {address: datetime.fromtimestamp(last, UTC) for address, last in found}
        known = ((self.get(address), times[address]) for address in self.addresses())
        return [(device, at) for device, at in known if device is not None]

    def drained_at(self, address: str) -> datetime | None:
        """Return when (in UTC) a device was read to its end, None when the last visit failed."""
        rows = self._database.read(
            "SELECT last_seen FROM device WHERE address = ? AND problem IS NULL", (address,)
        )
        return moment_of(rows[0][0]) if rows else None

    def note(self, device: KnownDevice, at: datetime) -> None:
        """Remember `device` as it is now."""
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO device (address, model, identity, next_record, problem, battery_low,"
                " last_seen) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE"
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
            if device.clock is not None:
                _note_clock(cursor, device.address, device.clock)

    def note_clock(self, address: str, model: str, clock: ClockSeen) -> None:
        """Remember what a device's clock is, before it is set."""
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO device (address, model, last_seen) VALUES (?, ?, ?)"
                " ON CONFLICT (address) DO NOTHING",
                (address, model, clock.at.timestamp()),
            )
            _note_clock(cursor, address, clock)

    def newest(self) -> datetime | None:
        """Return when (in UTC) a device was last read or an item was last stored."""
        found = self._database.read(
            "SELECT max(last_seen) FROM device UNION ALL"
            " SELECT captured_at FROM item WHERE seq = (SELECT max(seq) FROM item)"
        )
        return max(filter(None, (moment_of(at) for (at,) in found)), default=None)


def _seen(at: float | None, ahead_s: float | None, over: int, drained: int) -> ClockSeen | None:
    if at is None:
        return None
    return ClockSeen(datetime.fromtimestamp(at, UTC), ahead_s, bool(over), bool(drained))


def _note_clock(cursor: Cursor, address: str, clock: ClockSeen) -> None:
    cursor.execute(
        "UPDATE device SET clock_at = ?, clock_ahead_s = ?, clock_over = ?, clock_drained = ?"
        " WHERE address = ?",
        (clock.at.timestamp(), clock.ahead_s, clock.over, clock.drained, address),
    )
