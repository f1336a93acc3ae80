"""Each question has an index behind it: on many readings none is answered by reading them all.

20,000 of them, and 400,000 with `make torture`.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fix_database import Clinic
from fix_hypothesis import EXAMPLES
from hypothesis import settings
from psycopg import AsyncConnection
from upkeep_parts import bring_up_to_date, make_months

from yikao_ingest.queries import people, sums
from yikao_ingest.upkeep.rollup import LINES_MAX

LAST = datetime(2026, 3, 20, tzinfo=UTC)
EACH = 50 * settings().max_examples // EXAMPLES
"""Readings of each of 400 residents, three a day."""
PEOPLE = """
    INSERT INTO team SELECT 't' || n, 'team', 'Asia/Shanghai' FROM generate_series(1, 20) n;
    INSERT INTO doctor SELECT 'd' || n, 't' || n, 'doctor', 'zh' FROM generate_series(1, 20) n;
    INSERT INTO resident (code, name, team_id, doctor_id)
    SELECT n || '/' || r, 'resident', 't' || n, 'd' || n
    FROM generate_series(1, 20) n, generate_series(1, 20) r;
    INSERT INTO reading (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,
        pulse_bpm, unit, flags, doubt_s, hub_time, received_at)
    SELECT r.patient_id, at, 1, 'blood_pressure', 120, 80, 70, 'mmHg', '{}', 0, at, at
    FROM generate_series(1, %s) n
    CROSS JOIN LATERAL (SELECT '2026-03-20Z'::timestamptz - n * interval '8 h' AS at) times
    JOIN resident r ON r.team_id LIKE 't_' OR r.team_id LIKE 't__';
    INSERT INTO patient_latest
    SELECT patient_id, kind, max(time), max(time) FROM reading GROUP BY 1, 2;
"""
FEW = {"team", "patient_latest"}
"""Tables that are small however many readings there are, and so are read as a whole, rightly."""


class Explaining(AsyncConnection[Any]):
    """A connection that keeps the plan of each statement, and then runs it."""

    plans: list[dict[str, Any]]

    async def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(self)
        cursor = await super().execute("EXPLAIN (FORMAT JSON) " + text, params, **more)
        self.plans += [plan["Plan"] for ((plan,),) in await cursor.fetchall()]
        return await super().execute(query, params, **more)


def read_as_a_whole(plan: dict[str, Any]) -> list[str]:
    """Return the tables that a plan reads from end to end."""
    own = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" else []
    return own + [name for each in plan.get("Plans", ()) for name in read_as_a_whole(each)]


def test_no_question_reads_everything(clinic: Clinic) -> None:
    make_months(clinic, (LAST - n * timedelta(hours=8) for n in range(EACH + 1)))
    for statement in PEOPLE.split(";"):
        clinic.connection.execute(statement.replace("%s", str(EACH)).encode())
    bring_up_to_date(clinic, LINES_MAX)
    clinic.rows("VACUUM ANALYZE")
    assert clinic.one("SELECT count(*) FROM reading") == 400 * EACH
    patient = clinic.patient("7/7")
    weeks = (date(2026, 3, 5), date(2026, 3, 18))

    async def ask() -> list[dict[str, Any]]:
        conn = await Explaining.connect(clinic.dsn, autocommit=True)
        conn.plans = []
        async with conn:
            assert len(await people.latest(conn, "t7")) == 20
            assert len(await people.silent(conn, "t7", LAST)) == 20
            assert len(await people.adherence(conn, "t7", *weeks)) == 20
            assert len(await people.day_parts(conn, patient, *weeks)) == 2 * 14
            assert (
                await people.gaps(conn, patient, LAST - timedelta(days=14), LAST, timedelta(1))
                == []
            )
            assert sum(d.readings for d in await sums.resident_days(conn, patient, *weeks)) == 42
            assert sum(d.readings for d in await sums.team_days(conn, "t7", *weeks)) == 840
            assert sum(h.readings for h in await sums.resident_hours(conn, patient, *weeks)) == 42
        return conn.plans

    plans = asyncio.run(ask())
    assert len(plans) >= 8
    assert {name for plan in plans for name in read_as_a_whole(plan)} <= FEW
