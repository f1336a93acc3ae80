"""For the pager's tests: a desk with a pager and a phone, and pages for it to send."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

from fix_watch import Watch
from phones import Phone
from psycopg import AsyncConnection

from yikao_alerts.pager import Pager
from yikao_alerts.working import connect

STORY_MAX_S = 60.0
FAMILIES = ("bp_high", "bp_low", "glucose_high", "glucose_low", "pulse")


@contextmanager
def setting(watch: Watch, *contacts: tuple[str, str]) -> Iterator[None]:
    """Give both doctors these contacts, for the block."""
    watch.clinic.register(contacts=contacts, duty_contacts=contacts)
    yield


class Desk:
    """A pager with one phone behind it, on a connection of its own."""

    def __init__(
        self, watch: Watch, phone: Phone, connection: AsyncConnection, channels: Iterable[str]
    ) -> None:
        self.watch = watch
        self.phone = phone
        self.connection = connection
        self.pager = Pager(dict.fromkeys(channels, phone), now=watch.clock)

    async def sends(self) -> int:
        """Send what is due now to the end; return how many pages that were."""
        before = len(self.phone.rung)
        while await self.pager.cycle(self.connection):
            await self.pager.finish()
        await self.pager.finish()
        return len(self.phone.rung) - before


Desks = Callable[..., Awaitable[Desk]]
"""Opens a desk: `await desk(phone, *channels)`; it is closed with the story."""
Story = Callable[[Watch, Desks], Awaitable[None]]


def story(told: Story) -> Callable[[Watch], None]:
    """Make a test of an async story; it may wait, but not for ever."""

    async def play(watch: Watch) -> None:
        async with asyncio.timeout(STORY_MAX_S), contextlib.AsyncExitStack() as closing:

            async def desk(phone: Phone | None = None, *channels: str) -> Desk:
                connection = await connect(watch.clinic.dsn)
                closing.push_async_callback(connection.close)
                return Desk(watch, phone or Phone(), connection, channels or ("webhook",))

            await told(watch, desk)

    def test(watch: Watch) -> None:
        asyncio.run(play(watch))

    test.__doc__ = told.__doc__
    return test


def red(watch: Watch) -> None:
    """Bring an episode to its first page, in minute 2, decided in a thread of its own."""
    watch.measures(186, 112)
    watch.until(2)
    watch.measures(184, 110)


async def decided(watch: Watch) -> None:
    await asyncio.to_thread(watch.decides)


def states(watch: Watch) -> list[str]:
    return [state for *_, state in watch.pages()]


def many(watch: Watch, count: int) -> None:
    """Put so many pages into the outbox, all due, each to an address of its own."""
    watch.clinic.rows(
        """
        WITH new AS (
            INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed,
                measured_at, opened_at, level_since, last_evidence_at)
            VALUES (%s, 'bp_high', 'open', 'BP-03', 'page_now', 2, 'confirmed', %s, %s, %s, %s)
            RETURNING episode_id
        )
        INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position,
            channel, address, language, body, link, created_at, due_at)
        SELECT gen_random_uuid(), episode_id, 1, 0, n, 'wang', 0, 'webhook', 'http://one/' || n,
            'zh', 'body', 'link', %s, %s
        FROM new, generate_series(1, %s) n
        """,
        watch.clinic.patient("zhao"),
        *[watch.now] * 6,
        count,
    )


def episodes(
    watch: Watch,
    count: int,
    *,
    channel: str = "webhook",
    address: str = "http://one",
    severity: str = "page_now",
    begin: int = 0,
) -> list[int]:
    """Open so many episodes, each with its first page due now to Dr Wang; return their numbers."""
    rows = watch.clinic.rows(
        """
        WITH new AS (
            INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed,
                measured_at, opened_at, level_since, last_evidence_at)
            SELECT %s, f, 'open', 'BP-03', %s, 2, 'confirmed', %s, %s, %s, %s
            FROM unnest(%s::text[]) AS f
            RETURNING episode_id
        )
        INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position,
            channel, address, language, body, link, red, created_at, due_at)
        SELECT gen_random_uuid(), episode_id, 1, 0, 0, 'wang', 0, %s, %s, 'zh',
            'body of ' || episode_id, 'link of ' || episode_id, %s, %s, %s
        FROM new
        RETURNING episode_id
        """,
        watch.clinic.patient("zhao"),
        severity,
        *[watch.now] * 4,
        list(FAMILIES[begin : begin + count]),
        channel,
        address,
        severity == "page_now",
        *[watch.now] * 2,
    )
    return sorted(row[0] for row in rows)
