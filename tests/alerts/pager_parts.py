"""For the pager's tests: a desk with a pager and a phone, and pages for it to send."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from fix_watch import Watch
from phones import Phone
from psycopg import AsyncConnection

from yikao_alerts.pager import Pager
from yikao_alerts.working import connect

STORY_MAX_S = 60.0


@contextmanager
def setting(watch: Watch, *contacts: tuple[str, str]) -> Iterator[None]:
    """Give both doctors these contacts, for the block."""
    watch.clinic.register(contacts=contacts, duty_contacts=contacts)
    yield


class Desk:
    """A pager with one phone behind it, on a connection of its own."""

    def __init__(self, watch: Watch, phone: Phone, connection: AsyncConnection) -> None:
        self.watch = watch
        self.phone = phone
        self.connection = connection
        self.pager = Pager({"webhook": phone}, now=watch.clock)

    async def sends(self) -> int:
        """Send what is due now to the end; return how many pages that were."""
        before = len(self.phone.rung)
        while await self.pager.cycle(self.connection):
            await self.pager.finish()
        await self.pager.finish()
        return len(self.phone.rung) - before


Desks = Callable[..., Awaitable[Desk]]
"""Opens a desk: `await desk(phone)`; it is closed with the story."""
Story = Callable[[Watch, Desks], Awaitable[None]]


def story(told: Story) -> Callable[[Watch], None]:
    """Make a test of an async story; it may wait, but not for ever."""

    async def play(watch: Watch) -> None:
        async with asyncio.timeout(STORY_MAX_S), contextlib.AsyncExitStack() as closing:

            async def desk(phone: Phone | None = None) -> Desk:
                connection = await connect(watch.clinic.dsn)
                closing.push_async_callback(connection.close)
                return Desk(watch, phone or Phone(), connection)

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
    """Put so many pages into the outbox, all due."""
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
        SELECT gen_random_uuid(), episode_id, 1, 0, n, 'wang', 0, 'webhook', 'http://one', 'zh',
            'body', 'link', %s, %s
        FROM new, generate_series(1, %s) n
        """,
        watch.clinic.patient("zhao"),
        *[watch.now] * 6,
        count,
    )
