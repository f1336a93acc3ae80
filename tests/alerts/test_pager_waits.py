"""The pager waits for nobody: what somebody else holds is left for later, and the rest goes out."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from fix_watch import Watch
from pager_parts import Desks, episodes, setting, states, story
from phones import Phone, delivered
from psycopg import AsyncConnection

from yikao_alerts.budget import LOCK
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Outcome, Retryable
from yikao_alerts.channels.receipt import Receipt
from yikao_alerts.notices import AGAIN_AFTER, CHECK, Notice, Notices, add
from yikao_alerts.outbox.receipts import keep
from yikao_alerts.outbox.results import FAILOVER_S
from yikao_alerts.roster import Contact
from yikao_alerts.store import CHANGED, PAGES
from yikao_alerts.working import connect, work

WAITS_S = 3.0
"""Far longer than a round takes."""


@story
async def test_red_goes_out_while_another_pager_ranks_what_is_for_today(
    watch: Watch, desk: Desks
) -> None:
    one = await desk()
    (yellow,) = episodes(watch, 1, severity="today", address="http://two")
    (red,) = episodes(watch, 1, begin=1)
    async with await connect(watch.clinic.dsn) as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        async with asyncio.timeout(WAITS_S):
            assert await one.sends() == 1
    assert await one.sends() == 1
    assert [page.episode_id for page in one.phone.rung] == [red, yellow]


@story
async def test_a_page_that_somebody_holds_holds_up_no_other(watch: Watch, desk: Desks) -> None:
    one = await desk()
    one.phone.hold()
    for number in range(2):
        episodes(watch, 1, address=f"http://{number}", begin=number)
    await one.pager.cycle(one.connection)
    await one.phone.rings(2)
    episodes(watch, 1, address="http://2", begin=2)
    async with await connect(watch.clinic.dsn) as other, other.transaction():
        await other.execute("SELECT FROM page WHERE address = 'http://0' FOR UPDATE")
        one.phone.release()
        async with asyncio.timeout(WAITS_S):
            while sorted(states(watch)) != ["due", "sent", "sent"]:
                await one.pager.cycle(one.connection)
    assert await one.sends() == 0
    assert states(watch) == ["sent"] * 3
    assert len(one.phone.rung) == 3


@story
async def test_what_is_for_today_is_ranked_without_waiting_for_a_page_that_somebody_holds(
    watch: Watch, desk: Desks
) -> None:
    one = await desk()
    for number in range(3):
        episodes(watch, 1, severity="today", address=f"http://{number}", begin=number)
    (red,) = episodes(watch, 1, address="http://red", begin=3)
    told_enough(watch)
    async with await connect(watch.clinic.dsn) as other, other.transaction():
        await other.execute("SELECT FROM page WHERE address = 'http://0' FOR UPDATE")
        async with asyncio.timeout(WAITS_S):
            assert await one.sends() == 1
    assert await one.sends() == 0
    assert [page.episode_id for page in one.phone.rung] == [red]
    assert watch.clinic.one("SELECT count(*) FROM page WHERE deferred") == 3


def told_enough(watch: Watch) -> None:
    """Have Dr Wang called for as many residents as one day may bring."""
    watch.clinic.rows(
        """
        WITH old AS (
            INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed,
                measured_at, opened_at, level_since, last_evidence_at)
            SELECT patient_id, 'old ' || n, 'resolved', rule_id, severity, level, confirmed,
                measured_at, opened_at, level_since, last_evidence_at
            FROM (SELECT * FROM episode LIMIT 1) e, generate_series(1, 10) n
            RETURNING episode_id
        )
        INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position,
            channel, address, language, body, link, red, state, message_id, message_at,
            created_at, due_at)
        SELECT gen_random_uuid(), episode_id, 1, 0, 0, 'wang', 0, 'webhook', 'http://old', 'zh', '',
            '', false, 'sent', gen_random_uuid(), %s, %s, %s
        FROM old
        """,
        *[watch.now] * 3,
    )


@story
async def test_a_provider_that_asks_for_a_pause_does_not_keep_the_page_for_long(
    watch: Watch, desk: Desks
) -> None:
    with setting(watch, ("webhook", "http://one"), ("webhook", "http://two")):
        one = await desk(Phone(lambda _: Retryable("busy")))
        episodes(watch, 1)
        assert await one.sends() == 1
        one.phone.outcome = lambda _: Retryable("the robot is blocked", FAILOVER_S)
        watch.now += timedelta(seconds=FAILOVER_S / 2)
        assert await one.sends() == 1
        one.phone.outcome = delivered
        watch.now += timedelta(seconds=FAILOVER_S / 2)
        await one.sends()
        assert await one.sends() == 1
        assert one.phone.rung[-1].address == "http://two"


@story
async def test_an_arrived_notice_about_the_server_names_no_episode(
    watch: Watch, desk: Desks
) -> None:
    one = await desk()
    (episode,) = episodes(watch, 1)
    watch.clinic.rows("UPDATE page SET state = 'sent', provider_id = 'one'")
    watch.clinic.rows(
        """
        INSERT INTO page (page_id, round, step, loop, doctor_id, contact_position, channel, address,
            language, body, link, created_at, due_at, state, provider_id)
        VALUES (gen_random_uuid(), 0, 0, 0, 'li', 0, 'webhook', 'http://li', 'zh', '', '', %s, %s,
            'sent', 'one')
        """,
        *[watch.now] * 2,
    )
    async with await connect(watch.clinic.dsn) as ears:
        await ears.execute("LISTEN " + CHANGED)
        await keep(one.connection, "webhook", Receipt("one", True, ""), watch.now)
        told = [each.payload async for each in ears.notifies(timeout=WAITS_S, stop_after=1)]
    assert told == [f"episode:{episode}"]
    assert states(watch) == ["delivered"] * 2


@story
async def test_a_channel_that_fails_at_a_notice_does_not_end_the_pager(
    watch: Watch, desk: Desks
) -> None:
    def fails(page: OutgoingPage) -> Outcome:
        raise RuntimeError("a fault of the channel")

    one = await desk()
    number = uuid4()
    contact = Contact(0, "webhook", "http://one")
    notice = Notice(number, CHECK, "wang", contact, "zh", "body", "link")
    await add(one.connection, [notice], watch.now)
    assert await Notices({"webhook": Phone(fails)}, watch.clock).cycle(one.connection)
    phone = Phone()
    watch.now += AGAIN_AFTER
    assert await Notices({"webhook": phone}, watch.clock).cycle(one.connection)
    assert [page.page_id for page in phone.rung] == [number]


@story
async def test_a_worker_that_hung_in_a_transaction_is_cut_off_and_works_again(
    watch: Watch, desk: Desks
) -> None:
    """What it held is free for others, and it is not the end of its process."""
    stop = asyncio.Event()
    rounds = 0

    async def cycle(conn: AsyncConnection) -> bool:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            assert await _hung_for(conn) == "30s"
            await conn.execute("SET idle_in_transaction_session_timeout = '1ms'")
            async with conn.transaction():
                await conn.execute("SELECT 1")
                await gone(watch, conn.info.backend_pid)
                await conn.execute("SELECT 1")
        stop.set()
        return False

    async with asyncio.timeout(WAITS_S):
        await work(watch.clinic.dsn, PAGES, cycle, asyncio.Event(), stop)
    assert rounds == 2


async def _hung_for(conn: AsyncConnection) -> str:
    row = await (await conn.execute("SHOW idle_in_transaction_session_timeout")).fetchone()
    return str(row and row[0])


async def gone(watch: Watch, backend: int) -> None:
    """Wait until the server has ended a connection."""
    async with await connect(watch.clinic.dsn) as other:
        query = "SELECT FROM pg_stat_activity WHERE pid = %s"
        while await (await other.execute(query, [backend])).fetchone() is not None:
            await asyncio.sleep(0)
