"""TimescaleDB's background jobs: which are ill at a time, and whose work is done in their place."""

from datetime import UTC, datetime, timedelta

import pytest
from fix_database import Clinic
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection
from upkeep_parts import cuff, does, is_plain, put

from yikao_ingest.upkeep.jobs import (
    LATE,
    STUCK,
    Illness,
    Job,
    JobWatch,
    ill,
    illness,
    load_jobs,
    run_job,
    to_run,
)

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EVERY = timedelta(hours=12)


def job(**state: object) -> Job:
    return Job(1000, "compression reading", EVERY, **state)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({"next_at": NOW + EVERY, "started_at": NOW}, None),
        ({"next_at": NOW - LATE}, None),
        ({"next_at": NOW - LATE - SECOND}, Illness.OVERDUE),
        ({"failed": True, "next_at": NOW + EVERY}, Illness.FAILED),
        ({"failed": True, "next_at": NOW - EVERY}, Illness.FAILED),
        # It failed the last time and is at it again: nobody knows yet.
        ({"failed": True, "running": True, "started_at": NOW}, None),
        ({"running": True, "started_at": NOW - STUCK}, None),
        ({"running": True, "started_at": NOW - STUCK - SECOND}, Illness.STUCK),
        ({"running": True}, None),
        # Never run: it may still be on its way, but not for ever.
        ({}, None),
    ],
)
def test_what_is_wrong_with_a_job(state: dict[str, object], what: Illness | None) -> None:
    assert illness(job(**state), NOW, since=NOW - LATE) is what


def test_one_that_never_runs_is_overdue() -> None:
    assert illness(job(), NOW, since=NOW - LATE - SECOND) is Illness.OVERDUE


@pytest.mark.parametrize(
    ("what", "ran", "runs"),
    [
        (Illness.FAILED, None, True),
        (Illness.OVERDUE, None, True),
        (Illness.STUCK, None, False),
        (Illness.FAILED, NOW - EVERY, True),
        (Illness.FAILED, NOW - EVERY + SECOND, False),
    ],
)
def test_whose_work_is_done_in_the_foreground(
    what: Illness, ran: datetime | None, runs: bool
) -> None:
    before = {} if ran is None else {1000: ran}
    assert to_run({job(): what}, before, NOW) == ([job()] if runs else [])


TIMES = st.none() | st.integers(-(10**6), 10**6).map(lambda s: NOW + timedelta(seconds=s))
JOBS = st.builds(
    Job,
    st.integers(1000, 1003),
    st.just("job"),
    st.timedeltas(timedelta(0), EVERY),
    st.none() | st.booleans(),
    st.none() | st.booleans(),
    TIMES,
    TIMES,
)


@given(st.lists(JOBS, max_size=4), TIMES)
def test_who_is_not_ill_is_left_alone_and_time_alone_cures_nobody(
    jobs: list[Job], since: datetime | None
) -> None:
    found = ill(jobs, NOW, since or NOW)
    assert set(to_run(found, {}, NOW)) <= set(found) <= set(jobs)
    later = ill(jobs, NOW + EVERY, since or NOW)
    assert set(found) <= set(later)


# What cannot be run in the background, as an update of PostgreSQL once brought about for all jobs,
# and what cannot be run at all.
PROCEDURES = """
    CREATE TABLE ran (job_id integer);
    CREATE PROCEDURE works(job_id integer, config jsonb) LANGUAGE sql
        AS 'INSERT INTO ran VALUES (job_id)';
    CREATE PROCEDURE fails(job_id integer, config jsonb) LANGUAGE plpgsql
        AS 'BEGIN RAISE ''no''; END';
"""
ADD = "SELECT add_job(%s, '12h', initial_start => clock_timestamp() + interval '1 year')"
FAILED = """
    UPDATE _timescaledb_internal.bgw_job_stat
    SET last_start = clock_timestamp(), last_finish = clock_timestamp(), last_run_success = %s
    WHERE job_id = ANY(%s)
"""
BOOK = "SELECT name, detail, failing_since FROM upkeep_task WHERE name LIKE %s ORDER BY 1"


def test_the_work_of_ill_jobs_is_done_and_told(clinic: Clinic) -> None:
    if is_plain(clinic):
        return
    clinic.connection.execute(PROCEDURES.encode())
    jobs = works, fails = clinic.one(ADD, "works"), clinic.one(ADD, "fails")
    assert set(jobs) < {job.job_id for job in does(clinic, load_jobs)}
    clinic.rows(FAILED, False, list(jobs))
    watch = JobWatch(clinic.one("SELECT clock_timestamp()"))
    for _ in range(2):
        does(clinic, lambda conn: watch.look(conn, NOW))
    # Once: they are every twelve hours' work.
    assert clinic.rows("SELECT job_id FROM ran") == [(works,)]
    names = (f"job {works} works", f"job {fails} fails")
    assert clinic.rows(BOOK, "job %") == [
        (names[0], "failed, done in the foreground", NOW),
        (names[1], "failed, in the foreground too: RaiseException P0001", NOW),
    ]
    clinic.rows(FAILED, True, list(jobs))
    does(clinic, lambda conn: watch.look(conn, NOW))
    assert clinic.rows(BOOK, "job %") == [(name, "", None) for name in names]


def test_every_job_of_ours_can_be_run_by_hand(clinic: Clinic) -> None:
    """Compression too: none of them may need what only a background worker has."""
    if is_plain(clinic):
        return
    put(clinic, cuff(1, NOW - timedelta(days=400), 120))

    async def run_all(conn: AsyncConnection) -> list[str]:
        jobs = await load_jobs(conn)
        for job in jobs:
            assert await run_job(conn, job.job_id)
        return sorted(job.what for job in jobs)

    assert does(clinic, run_all) == [
        "compression reading_daily",
        "compression reading_hourly",
        "compression reading_kept",
        "refresh_continuous_aggregate reading_daily",
        "refresh_continuous_aggregate reading_hourly",
    ]
