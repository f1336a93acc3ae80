"""What a gateway is told once its items are in the database, so that it may forget them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from yikao_devices import wire
from yikao_ingest.accept import Judged, Quarantined

ITEMS_MAX: Final = 1_000
"""Items in one receipt: below 60 kB, and far below what a broker passes on."""

Home = tuple[str, str]
"""Tenant and gateway."""


def receipts(stored: Iterable[Judged], now: datetime) -> Iterator[tuple[Home, wire.Receipt]]:
    """Yield what each gateway is told about a stored batch, and whom it is for.

    One word for all its messages, as far as they go into one; what was refused as a whole, or has
    an item whose id could not be read, has a word of its own.
    """
    open_words: dict[Home, wire.Receipt] = {}
    for judged in stored:
        word = receipt(judged, now)
        if word is None or judged.origin is None:
            continue
        home = (judged.origin.tenant, judged.origin.gateway)
        if word.refused_message is not None:
            yield home, word
            continue
        before = open_words.get(home)
        if before is not None and _items(before) + _items(word) > ITEMS_MAX:
            yield home, before
            before = None
        open_words[home] = word if before is None else _both(before, word)
    yield from open_words.items()


def receipt(judged: Judged, now: datetime) -> wire.Receipt | None:
    """Return what the gateway is told once the items are stored; None where nobody can be told.

    Items whose id could not be read are covered by `refused_message`: the gateway takes every item
    of that message it has heard nothing else about as refused.
    """
    if judged.origin is None:
        return None
    quarantined = [item for item in judged.items if isinstance(item, Quarantined)]
    nameless = [item for item in quarantined if item.reading_id is None]
    return wire.Receipt(
        t=now,
        stored=tuple(
            item.item.reading_id for item in judged.items if not isinstance(item, Quarantined)
        ),
        rejected=tuple(
            wire.Rejection(item.reading_id, str(item.reason))
            for item in quarantined
            if item.reading_id is not None
        ),
        refused_message=judged.incoming.message_id if nameless else None,
        code=str(nameless[0].reason) if nameless else None,
    )


def _items(word: wire.Receipt) -> int:
    return len(word.stored) + len(word.rejected)


def _both(one: wire.Receipt, other: wire.Receipt) -> wire.Receipt:
    stored, rejected = one.stored + other.stored, one.rejected + other.rejected
    return wire.Receipt(t=one.t, stored=stored, rejected=rejected)
