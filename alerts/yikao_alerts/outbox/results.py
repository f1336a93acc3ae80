"""What came of the attempts is kept, and what follows from it: again, or another way.

Results are stored many at once. What makes another page is done for one page at a time, under the
resident's lock, as the answer is: no page can be made that an answer does not cancel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts.channels.kinds import KIND_OF
from yikao_alerts.channels.outcome import Delivered, Outcome, Permanent, Retryable
from yikao_alerts.clock import story_clock
from yikao_alerts.deliberate import page_id
from yikao_alerts.episodes import State
from yikao_alerts.outbox.claim import SQL, Underway
from yikao_alerts.outbox.wording import reworded
from yikao_alerts.store import CHANGED, EVALUATE, PAGES, lock_patient, notify, save_event
from yikao_alerts.store import SQL as STORE_SQL

RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
FAILOVER_S: Final = 15.0
"""A page that nobody has accepted for so long goes to the doctor's next contact as well: longer
than an attempt that hangs, half of what it may take to reach somebody whatever fails."""
RESCUED_MAX: Final = 100
"""Pages that are given another contact at once; the others a moment later."""
DETAIL_MAX: Final = 200
"""Characters kept of what a provider calls a page, or of why it refused it."""
OVER_BUDGET: Final = "over_budget"
"""Why a page took another way, as kept beside the attempts."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of sending a message."""

    underway: Underway
    outcome: Outcome


def retry_delay_s(attempts: int, asked_s: float | None) -> float:
    """Return the pause before the next attempt: doubling up to a bound, or what was asked for."""
    backoff = min(RETRY_MAX_S, RETRY_FIRST_S * 2.0 ** min(attempts, 10))
    return max(backoff, asked_s or 0.0)


async def storable(
    conn: AsyncConnection, results: Sequence[Result]
) -> tuple[list[Result], list[Result]]:
    """Return which results can be stored now, their pages locked, and which have to wait."""
    pages = [mine.page_id for result in results for mine in result.underway.pages]
    rows = await (await conn.execute(SQL["lock_pages"], {"pages": pages})).fetchall()
    free = {row[0] for row in rows}
    now: list[Result] = []
    later: list[Result] = []
    for result in results:
        locked = all(mine.page_id in free for mine in result.underway.pages)
        (now if locked else later).append(result)
    return now, later


async def store_results(conn: AsyncConnection, results: Sequence[Result], now: datetime) -> None:
    """Store what was accepted and what is to be tried again, within a transaction.

    What was refused for good is left to `refused`.
    """
    sent = [
        (mine.page_id, detail(r.outcome))
        for r in results
        if isinstance(r.outcome, Delivered)
        for mine in r.underway.pages
    ]
    if sent:
        pages, details = zip(*sent, strict=True)
        values = {"pages": list(pages), "details": list(details), "now": now, "channel": CHANGED}
        await conn.execute(SQL["pages_sent"], values)
    again = [r for r in results if not isinstance(r.outcome, Delivered | Permanent)]
    if again:
        await conn.execute(SQL["pages_again"], _again(again, now) | {"now": now})


def _again(results: Sequence[Result], now: datetime) -> dict[str, list[Any]]:
    """Return columns of the pages that are to be tried again."""
    pages = [(mine, r.outcome) for r in results for mine in r.underway.pages]
    return {
        "pages": [mine.page_id for mine, _ in pages],
        "attempts": [mine.attempt for mine, _ in pages],
        "due": [_due_at(outcome, mine.attempt, now) for mine, outcome in pages],
        "outcomes": [_name(outcome) for _, outcome in pages],
        "details": [detail(outcome) for _, outcome in pages],
    }


def _due_at(outcome: Outcome, attempt: int, now: datetime) -> datetime:
    asked_s = outcome.after_s if isinstance(outcome, Retryable) else None
    return now + in_story(retry_delay_s(attempt, asked_s))


async def refused(
    conn: AsyncConnection, page: UUID, attempt: int | None, why: Permanent, now: datetime
) -> None:
    """Give up one way for a page that was refused for good: the doctor's next contact is tried;
    without one, the evaluator calls the next step now."""
    key = {"page_id": page, "attempt": attempt, "states": ["due"]}
    note = {"page_id": page, "now": now, "outcome": _name(why), "detail": detail(why)}
    await conn.execute(SQL["insert_attempt"], note)
    await _failed(conn, key, now)


async def undelivered(conn: AsyncConnection, page: UUID, why: str, now: datetime) -> None:
    """Give up one way for a page that a provider had accepted and that did not arrive."""
    key = {"page_id": page, "attempt": None, "states": ["sent"]}
    note = {"page_id": page, "now": now, "outcome": "undelivered", "detail": _clean(why)}
    await conn.execute(SQL["insert_attempt"], note)
    await _failed(conn, key, now)


async def _failed(conn: AsyncConnection, key: Mapping[str, Any], now: datetime) -> None:
    about = await _lock(conn, key["page_id"])
    failed = await _one(conn, "page_failed", key)
    if failed is None or about is None or about.over or failed["doctor_id"] is None:
        return
    if await _page_next_contact(conn, failed, now):
        return
    who = {"step": failed["step"], "doctor": failed["doctor_id"]}
    states = (about.state, about.state)
    await save_event(conn, failed["episode_id"], now, "unreachable", states, detail=who)
    values = {"patient_id": about.patient_id, "now": now}
    await conn.execute(STORE_SQL["queue_evaluation"], values)
    await notify(conn, EVALUATE)
    await notify(conn, CHANGED, f"episode:{failed['episode_id']}")


async def over_budget(conn: AsyncConnection, page: UUID, now: datetime) -> None:
    """Send a page by another kind of contact, as its address takes no more for a while.

    Where there is no other kind it waits, and goes out with what has come by then.
    """
    await _lock(conn, page)
    waiting = await _one(conn, "page_waiting", {"page_id": page})
    if waiting is None:
        return
    moved = await _page_next_contact(conn, waiting, now, other_kind=True)
    what = "sent to another contact" if moved else "waits, there is no other contact"
    note = {"page_id": page, "now": now, "outcome": OVER_BUDGET, "detail": what}
    await conn.execute(SQL["insert_attempt"], note)
    if moved:
        await _one(conn, "page_failed", {"page_id": page, "attempt": None, "states": ["due"]})


async def rescue(conn: AsyncConnection, page: UUID, now: datetime) -> None:
    """Have the doctor's next contact tried as well for a page that waits for its provider."""
    about = await _lock(conn, page)
    # Read under the lock: an answer may have come in between.
    waiting = await _one(conn, "page_waiting", {"page_id": page})
    if waiting is not None and about is not None:
        await _page_next_contact(conn, waiting, now)


async def to_rescue(conn: AsyncConnection, down: Sequence[str], now: datetime) -> list[UUID]:
    """Return the pages that were tried for `FAILOVER_S`, or wait for a provider that is down."""
    values = {
        "before": now - in_story(FAILOVER_S),
        "down": list(down),
        "soon": now + in_story(RETRY_MAX_S),
        "most": RESCUED_MAX,
    }
    rows = await (await conn.execute(SQL["waiting_too_long"], values)).fetchall()
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class _About:
    """The resident whom a page is about, where the episode stands, and whether it is over."""

    patient_id: int
    state: State

    @property
    def over(self) -> bool:
        return self.state is not State.OPEN


async def _lock(conn: AsyncConnection, page: UUID) -> _About | None:
    """Lock the resident a page is about; None where it is about nobody."""
    key = {"page_id": page}
    row = await _one(conn, "about", key)
    if row is None:
        return None
    await lock_patient(conn, row["patient_id"])
    row = await _one(conn, "about", key)
    assert row is not None, "episodes are never deleted"
    return _About(row["patient_id"], State(row["state"]))


async def _page_next_contact(
    conn: AsyncConnection, page: dict[str, Any], now: datetime, *, other_kind: bool = False
) -> bool:
    """Make the same call's page to the doctor's next contact; return whether there is one."""
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["unused_contacts"], page)
    kind = KIND_OF.get(page["channel"])
    contact = next(
        (
            found
            for found in await cursor.fetchall()
            if not other_kind or KIND_OF.get(found["channel"]) != kind
        ),
        None,
    )
    if contact is None:
        return False
    call, position = (page["step"], page["loop"]), contact["position"]
    number = page_id(page["episode_id"], page["round"], call, page["doctor_id"], position)
    body = reworded(page, contact["channel"])
    values = contact | {"page_id": page["page_id"], "next_id": number, "body": body, "now": now}
    await conn.execute(SQL["insert_next"], values)
    await notify(conn, PAGES)
    return True


async def _one(
    conn: AsyncConnection, statement: str, values: Mapping[str, Any]
) -> dict[str, Any] | None:
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL[statement], values)
    return await cursor.fetchone()


def detail(outcome: Outcome) -> str:
    """Return what is kept of an outcome: a provider's words, cut, and without NUL."""
    return _clean(outcome.provider_id if isinstance(outcome, Delivered) else outcome.reason)


def _clean(text: str) -> str:
    """Return text that the database takes, whatever a provider has written."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:DETAIL_MAX]


def _name(outcome: Outcome) -> str:
    return type(outcome).__name__.lower()


def in_story(real_s: float) -> timedelta:
    """Return how much story time passes in `real_s`: providers answer in real time."""
    return timedelta(seconds=real_s * story_clock().speed)
