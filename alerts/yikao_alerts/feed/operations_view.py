"""What the operator looks at: which gateways speak, what was put aside, and what waits.

A gateway that has said nothing is "unknown", one whose last word is old is "silent": neither is
shown as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec import MsgspecError, Struct, json

from yikao_alerts.feed.rows import GatewayRow, QuarantineRow, UnownedRow

STATES: Final = ("offline", "silent", "unknown", "online")
HEX_PER_LINE: Final = 32


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway with its state: `online`, `offline`, `silent` or `unknown`."""

    row: GatewayRow
    state: str


UNOWNED: Final = (
    *("unknown_device", "no_binding"),
    *("no_card", "unknown_card", "card_ended", "station_unclear"),
)
"""Reasons for which something is put aside that is right, and nobody's yet."""


@dataclass(frozen=True, slots=True)
class Unowned:
    """What waits for an owner: when it was measured (or came), by which device, and why."""

    at: datetime
    gateway_id: str
    device: str
    reason: str


class _Device(Struct):
    """The least that is read of an item: never what was measured."""

    device: str


_decode_device: Final = json.Decoder(_Device).decode


def unowned(row: UnownedRow) -> Unowned:
    """Return a row of what waits for an owner."""
    try:
        device = _decode_device(row.payload).device
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        device = ""
    at = row.measured_at or row.received_at
    return Unowned(at, row.gateway_id or "", device, row.reason)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something put aside, its beginning readable: text where it is text, else hexadecimal."""

    row: QuarantineRow
    content: str | None
    cut: bool


def gateways_of(rows: Sequence[GatewayRow], now: datetime, seen_within: timedelta) -> list[Gateway]:
    """Return all gateways, those first that somebody should look at."""
    gateways = [gateway_of(row, now, seen_within) for row in rows]
    return sorted(gateways, key=lambda gateway: STATES.index(gateway.state))


def gateway_of(row: GatewayRow, now: datetime, seen_within: timedelta) -> Gateway:
    """Return the state of a gateway at `now`."""
    if row.online is None or row.seen_at is None:
        return Gateway(row, "unknown")
    if not row.online:
        return Gateway(row, "offline")
    return Gateway(row, "online" if now - row.seen_at <= seen_within else "silent")


def quarantined(row: QuarantineRow) -> Quarantined:
    """Return a row of the quarantine with its bytes made readable."""
    if row.payload is None:
        return Quarantined(row, None, cut=False)
    cut = len(row.payload) < row.payload_bytes
    return Quarantined(row, readable(row.payload), cut)


def readable(payload: bytes) -> str:
    """Return bytes as text where every character can be printed, else as hexadecimal."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = "\0"
    if all(letter.isprintable() or letter in "\r\n\t" for letter in text):
        return text
    digits = payload.hex()
    lines = (digits[n : n + 2 * HEX_PER_LINE] for n in range(0, len(digits), 2 * HEX_PER_LINE))
    return "\n".join(lines)
