"""What is under way to the server: what to send now, what to send again, and when.

The broker's acknowledgement only frees a place in the window; a row is under way until the
server's receipt. Nothing here does I/O or reads a clock: real seconds of a monotonic clock, the
present moment and chance are handed in.

Source of the pauses: "full jitter", AWS Architecture Blog, Exponential Backoff And Jitter, 2015.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from yikao_devices.wire import ITEMS_MAX, MESSAGE_BYTES_MAX
from yikao_gateway.store.outbox import Row

RECEIPT_WAIT_S: Final = 5.0
"""A receipt takes a fraction of a second; without one for so long the row is sent again."""
RESEND_MAX_S: Final = 120.0
"""The longest pause before a row is sent again."""
ALONE_MAX: Final = 5
"""More rows than this at once share messages."""
NEWS_AGE_MAX: Final = timedelta(minutes=15)
"""What was measured longer ago is no news: it waits behind it, and is marked as historical.

The server calls a reading late from the same age on (`[late]` in the rule file)."""
ENVELOPE_BYTES: Final = 1024
"""What a message is longer than its items."""

Chance = Callable[[], float]
"""Returns a number from 0 up to 1."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Rows of one kind that travel in one message."""

    kind: str
    rows: tuple[Row, ...]
    historical: bool


def pack(rows: Sequence[Row], now: datetime, packet_bytes_max: int) -> list[Parcel]:
    """Return the messages in which `rows` travel, those of one kind in their order.

    A few rows of news go one by one; others together, and what is no news marked as historical.
    """
    few, news_s = len(rows) <= ALONE_MAX, (now - NEWS_AGE_MAX).timestamp()
    bytes_max = min(MESSAGE_BYTES_MAX, packet_bytes_max) - ENVELOPE_BYTES
    parcels: list[Parcel] = []
    groups: dict[tuple[str, bool], list[Row]] = {}
    lengths: dict[tuple[str, bool], int] = {}
    for row in rows:
        historical = row.measured_s < news_s
        if few and not historical:
            parcels.append(Parcel(row.kind, (row,), historical))
            continue
        key = (row.kind, historical)
        group = groups.setdefault(key, [])
        # Each item brings a comma.
        length = len(row.payload) + 1
        if group and (len(group) == ITEMS_MAX or lengths[key] + length > bytes_max):
            parcels.append(Parcel(row.kind, tuple(group), historical))
            group.clear()
        lengths[key] = length + (lengths[key] if group else 0)
        group.append(row)
    rest = [Parcel(kind, tuple(group), old) for (kind, old), group in groups.items()]
    return parcels + rest


def pause_s(sends: int, chance: Chance) -> float:
    """Return how long to wait for a receipt after so many sends: at least `RECEIPT_WAIT_S`."""
    longest_s = min(RESEND_MAX_S, RECEIPT_WAIT_S * 2.0 ** min(sends, 10))
    return RECEIPT_WAIT_S + chance() * (longest_s - RECEIPT_WAIT_S)


@dataclass(slots=True)
class _UnderWay:
    message_id: str
    sends: int
    due_s: float
    is_new: bool
    """It was never sent on another connection."""


class Flight:
    """The messages and rows under way on one connection, of which at most `window` messages."""

    def __init__(self, window: int, chance: Chance) -> None:
        self._window = window
        self._chance = chance
        self._rows: dict[UUID, _UnderWay] = {}
        self._packets: dict[int, float] = {}

    @property
    def room(self) -> int:
        """How many more messages the broker takes now."""
        return max(0, self._window - len(self._packets))

    def forget_all_but(self, still: AbstractSet[UUID]) -> None:
        """Drop what is no longer open, whoever closed it."""
        self._rows = {name: way for name, way in self._rows.items() if name in still}

    def ready(self, waiting: Iterable[tuple[int, UUID]], at_s: float) -> list[int]:
        """Return the numbers of those that are not under way, or have been for too long."""
        under_way = self._rows
        return [
            seq for seq, name in waiting if name not in under_way or under_way[name].due_s <= at_s
        ]

    def sent(self, packet: int, message_id: str, rows: Iterable[Row], at_s: float) -> None:
        """Note that a message has been handed to the broker."""
        self._packets[packet] = at_s
        for row in rows:
            before = self._rows.get(row.reading_id)
            sends = before.sends + 1 if before else 1
            due_s = at_s + pause_s(sends - 1, self._chance)
            is_new = before.is_new if before else row.attempts == 0
            self._rows[row.reading_id] = _UnderWay(message_id, sends, due_s, is_new)

    def acknowledged(self, packet: int) -> None:
        """Note the broker's acknowledgement: there is room for one more."""
        self._packets.pop(packet, None)

    def is_answer(self, reading_ids: Iterable[UUID]) -> bool:
        """Return whether a receipt for these was written while this connection was up.

        One for what was sent before may have waited at the broker for hours.
        """
        rows = self._rows
        return any(rows[name].is_new for name in reading_ids if name in rows)

    def settled(self, reading_ids: Iterable[UUID]) -> None:
        """Note the server's receipt for these."""
        for reading_id in reading_ids:
            self._rows.pop(reading_id, None)

    def of_message(self, message_id: str) -> list[UUID]:
        """Return the rows under way that travelled last in this message."""
        return [name for name, row in self._rows.items() if row.message_id == message_id]

    def next_due_s(self) -> float:
        """Return when the next row is to be sent again; infinity when none is under way."""
        return min((row.due_s for row in self._rows.values()), default=float("inf"))

    def oldest_packet_s(self) -> float:
        """Return when the oldest unacknowledged message was sent; infinity when there is none."""
        return min(self._packets.values(), default=float("inf"))
