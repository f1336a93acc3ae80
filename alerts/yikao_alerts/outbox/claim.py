"""Taking pages from the outbox: what goes out now is ours under a lease, the rest is told to wait.

One short transaction of the pager; what is decided in it is in `bundles.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.kinds import DEDUPLICATES
from yikao_alerts.compose import load_texts
from yikao_alerts.outbox.breaker import Breakers
from yikao_alerts.outbox.budgets import LOOK_BACK, Sent
from yikao_alerts.outbox.bundles import Address, Due, Message, OverBudget, Wait, plan
from yikao_alerts.outbox.wording import bundled, link_of
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_alerts", "sql/pager.sql")
LOOK_AT: Final = 200
"""Pages that are considered together; what is behind them is looked at next."""
ADDRESS_LOCK: Final = 0x79696B62
"""First key of the advisory lock on an address; the second is a hash of it."""
UNANSWERED_MAX: Final = 2
"""Attempts without an answer, where a provider does not know a page again: a second time it says
so, and a third time somebody else's telephone is the better one."""
NOT_AGAIN: Final = "handed over twice without an answer; it may have arrived"


@dataclass(frozen=True, slots=True)
class Mine:
    """A page that was claimed, at which attempt, and what it is about: None where nobody."""

    page_id: UUID
    attempt: int
    episode_id: int | None


@dataclass(frozen=True, slots=True)
class Underway:
    """A message that is ours to send. refused: why it must not be sent any more, where that is."""

    message: OutgoingPage
    channel: str
    provider: str
    pages: tuple[Mine, ...]
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What is ours now, which pages an address cannot take for a while, and if more may be due."""

    messages: tuple[Underway, ...]
    over_budget: tuple[UUID, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be claimed: slots in all, and by provider; `ours` is on its way already."""

    slots: int
    free: int
    providers: Counter[str]
    ours: Sequence[UUID]
    breakers: Breakers

    def choose(self, wanted: Iterable[tuple[str, Any]]) -> list[Any]:
        """Return as many of `wanted`, each with its provider, as there is room for, in order."""
        counts = self.providers.copy()
        chosen: list[Any] = []
        for provider, each in wanted:
            if len(chosen) < self.free and counts[provider] < self.breakers.most(
                provider, self.slots
            ):
                counts[provider] += 1
                chosen.append(each)
        return chosen


@dataclass(frozen=True, slots=True)
class Lease:
    """Until when a claim is ours, and since when the connection that holds it has been there."""

    until: datetime
    backend_start: datetime


async def claim(
    conn: AsyncConnection, room: Room, lease: Lease, now: datetime, *, ranked: bool
) -> Claim:
    """Claim what goes out now, within a transaction; what has to wait is not due any more.

    ranked: whether what is for today was ranked, and may go out for the first time.
    """
    values = {
        "now": now,
        "ranked": ranked,
        "ours": list(room.ours),
        "full": room.breakers.full(room.providers, room.slots),
        "look_at": LOOK_AT,
        "lock_class": ADDRESS_LOCK,
    }
    rows = await _rows(conn, "due_pages", values)
    if not rows:
        return Claim((), (), more=False)
    provider_of = {row["page_id"]: row["provider"] for row in rows}
    again = {row["message_id"]: row["provider"] for row in rows if row["message_id"]}
    new = [_due(row) for row in rows if row["message_id"] is None]
    plans = list(plan(new, await _sent(conn, new, now), now))
    await _tell_to_wait(conn, plans)
    wanted = [(provider, number) for number, provider in again.items()]
    wanted += [
        (provider_of[each.pages[0].page_id], each) for each in plans if isinstance(each, Message)
    ]
    chosen = room.choose(wanted)
    claimed = await _claim_chosen(conn, chosen, lease, now)
    over = (page.page_id for each in plans if isinstance(each, OverBudget) for page in each.pages)
    return Claim(tuple(claimed), tuple(over), more=len(rows) == LOOK_AT or len(chosen) == room.free)


async def _sent(
    conn: AsyncConnection, new: Sequence[Due], now: datetime
) -> Mapping[Address, Sequence[Sent]]:
    """Return the messages that the pages' addresses got lately."""
    addresses = list({(page.channel, page.address) for page in new})
    if not addresses:
        return {}
    values = {
        "channels": [channel for channel, _ in addresses],
        "addresses": [address for _, address in addresses],
        "since": now - LOOK_BACK,
    }
    sent: dict[Address, list[Sent]] = defaultdict(list)
    for row in await _rows(conn, "sent_lately", values):
        made = Sent(row["message_at"], row["red"], row["doctor_id"])
        sent[row["channel"], row["address"]].append(made)
    return sent


async def _tell_to_wait(conn: AsyncConnection, plans: Iterable[Any]) -> None:
    waiting = [
        (page.page_id, each.until)
        for each in plans
        if isinstance(each, Wait | OverBudget)
        for page in each.pages
    ]
    if waiting:
        pages, untils = zip(*waiting, strict=True)
        await conn.execute(SQL["wait_until"], {"pages": list(pages), "untils": list(untils)})


async def _claim_chosen(
    conn: AsyncConnection, chosen: Sequence[UUID | Message], lease: Lease, now: datetime
) -> list[Underway]:
    """Take the chosen messages; those that are tried again by their ids."""
    values = {"lease_until": lease.until, "backend_start": lease.backend_start, "now": now}
    again = [each for each in chosen if isinstance(each, UUID)]
    new = [(p.page_id, m.message_id) for m in chosen if isinstance(m, Message) for p in m.pages]
    rows: list[dict[str, Any]] = []
    if again:
        rows += await _rows(conn, "claim_again", values | {"messages": again})
    if new:
        pages, messages = zip(*new, strict=True)
        named = {"pages": list(pages), "messages": list(messages)}
        rows += await _rows(conn, "claim_new", values | named)
    groups: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["message_id"]].append(row)
    facts = await _facts(conn, [g for g in groups.values() if len(g) > 1])
    return [_underway(group, facts) for group in groups.values()]


async def _facts(
    conn: AsyncConnection, bundles: Sequence[Sequence[Mapping[str, Any]]]
) -> dict[UUID, Mapping[str, Any]]:
    """Return what the pages of bundles are about, as it is stored."""
    pages = [row["page_id"] for bundle in bundles for row in bundle]
    rows = await _rows(conn, "bundle_facts", {"pages": pages}) if pages else []
    return {row["page_id"]: row for row in rows}


def _underway(
    group: Sequence[Mapping[str, Any]], facts: Mapping[UUID, Mapping[str, Any]]
) -> Underway:
    """Return the message of pages that belong together. Its link is the first page's, and opens
    them all."""
    first = min(group, key=lambda row: str(row["page_id"]))
    channel, language = first["channel"], first["language"]
    told = [facts[row["page_id"]] for row in group if row["page_id"] in facts]
    unanswered = 0 if channel in DEDUPLICATES else max(row["unanswered"] for row in group)
    body = bundled(first, told)
    if unanswered > 1:
        body += load_texts(language)["pager"]["again"]
    message = OutgoingPage(
        page_id=first["message_id"],
        episode_id=first["episode_id"] or 0,
        address=first["address"],
        language=language,
        body=body,
        link=link_of(first),
        attempt=max(row["attempts"] for row in group),
        urgent=any(row["red"] for row in group),
        alone=len(group) == 1,
    )
    pages = tuple(Mine(row["page_id"], row["attempts"], row["episode_id"]) for row in group)
    refused = NOT_AGAIN if unanswered > UNANSWERED_MAX else None
    return Underway(message, channel, first["provider"], pages, refused)


def _due(row: Mapping[str, Any]) -> Due:
    names = ("page_id", "doctor_id", "channel", "address", "language", "red")
    return Due(*(row[name] for name in names))


async def _rows(
    conn: AsyncConnection, statement: str, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL[statement], values)
    return await cursor.fetchall()
