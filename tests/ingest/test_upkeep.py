"""The upkeep's loop: one holder, each task when it is due, and a failure that is told."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fix_database import DEADLINE_S, Clinic
from psycopg import AsyncConnection
from rota_parts import with_centre
from upkeep_parts import cuff, does, is_plain, put

from yikao_alerts.working import connect
from yikao_ingest.partitions import coming, partition
from yikao_ingest.upkeep import book
from yikao_ingest.upkeep.book import NOBODY, SILENT, Entry, Fault, faults
from yikao_ingest.upkeep.loop import AGAIN, DAY, HOUR, LOOK_EVERY, Upkeep, is_due
from yikao_ingest.upkeep.months import AHEAD, make_ahead

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Keeper:
    """An upkeep at a time that is moved by hand."""

    def __init__(self, kept: timedelta | None = None) -> None:
        self.now = NOW
        self.upkeep = Upkeep(kept, "https://feed.example.org", self.clock)

    async def clock(self, conn: AsyncConnection) -> datetime:
        assert not conn.closed
        return self.now

    async def works(self, conn: AsyncConnection, after: timedelta = timedelta(0)) -> None:
        self.now += after
        while await self.upkeep.cycle(conn):
            pass


def tasks(clinic: Clinic) -> dict[str, tuple[datetime, datetime | None, str]]:
    return {
        name: (began, failing, detail)
        for name, began, failing, detail in clinic.rows(
            "SELECT name, began_at, failing_since, detail FROM upkeep_task"
            " WHERE NOT starts_with(name, 'job ')"
        )
    }


@pytest.mark.parametrize(
    ("began", "well", "due"),
    [
        (None, True, True),
        (NOW - DAY, True, True),
        (NOW - DAY + SECOND, True, False),
        (NOW - AGAIN, False, True),
        (NOW - AGAIN + SECOND, False, False),
        (NOW + SECOND, True, True),
    ],
)
def test_when_a_task_is_due(began: datetime | None, well: bool, due: bool) -> None:
    assert is_due(DAY, began, NOW, well=well) is due


def test_what_is_amiss() -> None:
    well = Entry("a", NOW - SILENT, None, "")
    ill = Entry("b", NOW - DAY, NOW - 2 * DAY, "DiskFull 53100")
    assert faults([ill, well], NOW) == [Fault("b", NOW - 2 * DAY, "DiskFull 53100")]
    (nobody,) = faults([well], NOW + SECOND)
    assert (nobody.name, nobody.since) == (NOBODY, NOW - SILENT)
    (never,) = faults([], NOW)
    assert (never.name, never.since) == (NOBODY, None)


def test_each_task_when_it_is_due(clinic: Clinic) -> None:
    keeper = Keeper()

    async def story(conn: AsyncConnection) -> None:
        await keeper.works(conn)
        await keeper.works(conn, LOOK_EVERY)

    does(clinic, story)
    first = {"jobs": NOW + LOOK_EVERY, "packing": NOW}
    if is_plain(clinic):
        first = {"roll-ups": NOW + LOOK_EVERY, "months": NOW}
    began = {name: at for name, (at, *_) in tasks(clinic).items()}
    assert began == {**first, "ledger": NOW, "faults": NOW + LOOK_EVERY}
    # A restart repeats nothing.
    again = Keeper(DAY * 10_000)
    again.now = NOW + LOOK_EVERY + SECOND
    does(clinic, again.works)
    assert {name: at for name, (at, *_) in tasks(clinic).items()} == {
        **began,
        "retention": again.now,
    }


def test_one_at_a_time_and_another_when_that_is_gone(clinic: Clinic) -> None:
    one, other = Keeper(), Keeper()

    async def story() -> None:
        async with await connect(clinic.dsn) as second:
            async with await connect(clinic.dsn) as first:
                await one.works(first)
                await other.works(second, DAY)
                await one.works(first, HOUR)
            # The ledger is looked at once a day.
            assert {at for at, *_ in tasks(clinic).values()} == {NOW, NOW + HOUR}
            await asyncio.to_thread(clinic.until, nobody_holds)
            await other.works(second, DAY)

    def nobody_holds() -> bool:
        return (
            clinic.one(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database"
                " WHERE datname = current_database())"
            )
            == 0
        )

    asyncio.run(story())
    assert {at for at, *_ in tasks(clinic).values()} == {NOW + 2 * DAY}


def test_a_task_that_fails_is_told_and_the_others_go_on(plain_clinic: Clinic) -> None:
    with_centre(plain_clinic)
    put(plain_clinic, cuff(1, NOW, 120))
    plain_clinic.rows("ALTER TABLE reading_daily RENAME TO elsewhere")
    keeper = Keeper()

    async def story(conn: AsyncConnection) -> None:
        await keeper.works(conn)
        await keeper.works(conn, HOUR)
        await keeper.works(conn, HOUR)

    does(plain_clinic, story)
    found = tasks(plain_clinic)
    assert found["roll-ups"] == (keeper.now, NOW, "UndefinedTable 42P01")
    assert found["months"] == (keeper.now, None, "")
    assert faults(book.read(plain_clinic.connection), keeper.now) == [
        Fault("roll-ups", NOW, "UndefinedTable 42P01")
    ]
    # The duty desk is told, once a day.
    ((kind, who, body, link),) = plain_clinic.rows("SELECT kind, doctor_id, body, link FROM notice")
    assert (kind, who, link) == ("upkeep", "li", "https://feed.example.org/operations")
    assert "yikao check" in body
    plain_clinic.rows("ALTER TABLE elsewhere RENAME TO reading_daily")
    does(plain_clinic, lambda conn: keeper.works(conn, AGAIN))
    assert tasks(plain_clinic)["roll-ups"] == (keeper.now, None, "")
    assert plain_clinic.one("SELECT readings FROM reading_daily") == 1


def test_months_are_there_before_they_begin(plain_clinic: Clinic) -> None:
    assert does(plain_clinic, lambda conn: make_ahead(conn, NOW)) == AHEAD
    assert does(plain_clinic, lambda conn: make_ahead(conn, NOW)) == 0
    names = {partition(month)[0] for month in coming(NOW, AHEAD)}
    made = plain_clinic.rows(
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'reading_kept'::regclass"
    )
    assert {name for (name,) in made} == names
    # Like those that ingest makes: the key, and the line for the roll-ups.
    put(plain_clinic, cuff(1, coming(NOW, 1)[0], 120))
    put(plain_clinic, cuff(1, coming(NOW, 1)[0], 130))
    assert plain_clinic.rows("SELECT systolic_mmhg FROM reading") == [(120.0,)]
    assert plain_clinic.one("SELECT count(*) FROM rollup_touched") == 1


def test_months_are_made_while_readings_come_in(plain_clinic: Clinic) -> None:
    put(plain_clinic, cuff(1, NOW, 120))
    with plain_clinic.connection.transaction():
        put(plain_clinic, cuff(2, NOW, 120))
        assert does(plain_clinic, lambda conn: make_ahead(conn, NOW)) == AHEAD


def test_it_runs_until_it_is_stopped(clinic: Clinic) -> None:
    async def story() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(Upkeep().run(clinic.dsn, stop))
        await asyncio.to_thread(clinic.until, lambda: "faults" in tasks(clinic))
        stop.set()
        await asyncio.wait_for(running, DEADLINE_S)

    asyncio.run(story())


def test_what_is_under_way_at_a_stop_is_broken_off(plain_clinic: Clinic) -> None:
    put(plain_clinic, cuff(1, NOW, 120))

    def waits() -> bool:
        return bool(plain_clinic.rows("SELECT pid FROM pg_locks WHERE NOT granted"))

    async def story() -> None:
        stop = asyncio.Event()
        async with await connect(plain_clinic.dsn) as other, other.transaction():
            await other.execute("LOCK TABLE reading_hourly")
            running = asyncio.create_task(Upkeep().run(plain_clinic.dsn, stop))
            await asyncio.to_thread(plain_clinic.until, waits)
            stop.set()
            await asyncio.wait_for(running, DEADLINE_S)

    asyncio.run(story())
    assert plain_clinic.one("SELECT count(*) FROM rollup_touched") == 1


def test_a_database_without_our_schema_ends_nobody(database_url: str) -> None:
    async def story() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(Upkeep().run(database_url, stop))
        async with await connect(database_url) as conn:
            listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT value %'"
            async with asyncio.timeout(DEADLINE_S):
                while not (await (await conn.execute(listening)).fetchone() or (0,))[0]:
                    assert not running.done()
        stop.set()
        await asyncio.wait_for(running, DEADLINE_S)

    asyncio.run(story())
