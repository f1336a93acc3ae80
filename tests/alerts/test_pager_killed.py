"""The pager comes and goes: stopped, cut off from its database, killed in the middle of work."""

import asyncio
import random
from pathlib import Path

from fix_database import DEADLINE_S
from fix_watch import Watch
from pager_parts import Desks, many, states, story
from phones import Phone, Provider
from roles import role_until_killed
from served import served

from yikao_alerts.pager import SLOTS, Pager

PAGES = 60
KILLS = 3


@story
async def test_a_pager_that_is_stopped_keeps_what_came_of_its_last_pages(
    watch: Watch, desk: Desks
) -> None:
    many(watch, 3)
    phone, stop = Phone(), asyncio.Event()
    phone.hold()
    pager = Pager({"webhook": phone}, now=watch.clock)
    running = asyncio.create_task(pager.run(watch.clinic.dsn, stop))
    await phone.rings(3)
    stop.set()
    phone.release()
    await running
    assert states(watch) == ["sent"] * 3


@story
async def test_a_pager_gets_over_a_lost_connection(watch: Watch, desk: Desks) -> None:
    phone, stop = Phone(), asyncio.Event()
    pager = Pager({"webhook": phone}, now=watch.clock)
    running = asyncio.create_task(pager.run(watch.clinic.dsn, stop))
    many(watch, 1)
    await asyncio.to_thread(watch.clinic.until, lambda: states(watch) == ["sent"])
    watch.clinic.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    watch.clinic.rows("UPDATE page SET state = 'due', lease_until = NULL")
    await phone.rings(2)
    stop.set()
    await running


def test_a_pager_killed_again_and_again_loses_no_page(watch: Watch, short_tmp: Path) -> None:
    with served(Provider()) as provider:
        watch.clinic.register(contacts=[("webhook", provider.url)])
        many(watch, PAGES)
        # Made just now: an old page would be held.
        watch.clinic.rows(
            "UPDATE page SET address = %s || loop, created_at = clock_timestamp()",
            f"{provider.url}/",
        )
        for threshold in sorted(random.sample(range(1, PAGES), KILLS)):
            with role_until_killed("pager", watch.clinic.dsn, short_tmp), provider.news:
                enough = provider.news.wait_for(
                    lambda: len(provider.received) >= threshold,  # noqa: B023
                    DEADLINE_S,
                )
            assert enough
        with role_until_killed("pager", watch.clinic.dsn, short_tmp):
            watch.clinic.until(lambda: set(states(watch)) == {"sent"})
        numbers = {str(row[0]) for row in watch.clinic.rows("SELECT page_id FROM page")}
    assert set(provider.received) == numbers
    # Sent and not yet on record when its pager died: such a page comes again, under its own id.
    assert sum(provider.received.values()) <= PAGES + KILLS * SLOTS
