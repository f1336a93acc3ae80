"""The demo's centre: its registry has no fault, and on the evening of the story each step of the
escalation has the person whom the story needs.
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from yikao_alerts.care_read import load_care
from yikao_alerts.roster import Care
from yikao_alerts.rota.coverage import Problem, Trouble
from yikao_alerts.rota.staffing import load_problems
from yikao_ingest.demo.cast import DEMO, DESK, DOCTORS, DUTY_DOCTOR, OTHER_DOCTOR, OWN_DOCTOR
from yikao_ingest.demo.plan import NIGHT_HOME, ZONE, Plan, make_plan
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry

MONDAY = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo(ZONE))
KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def registry(plan: Plan) -> str:
    devices = {home: [(f"C4:1D:00:00:00:0{home[1]}", "beurer-bm85")] for home in ("h1", "h2")}
    return DEMO.registry(plan, devices, dict.fromkeys(devices, KEY), "http://127.0.0.1:9")


async def staffed(dsn: str, now: datetime) -> tuple[Care, list[Problem]]:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        ((patient_id,),) = await (
            await conn.execute("SELECT patient_id FROM resident WHERE code = %s", (NIGHT_HOME,))
        ).fetchall()
        care = (await load_care(conn, [patient_id], now))[patient_id]
        return care, await load_problems(conn, now, now + timedelta(days=14))


@pytest.mark.parametrize("day", range(7))
def test_on_every_day_the_story_finds_the_same_people_on_call(
    plain_schema_url: str, day: int
) -> None:
    plan = make_plan(Path("demo"), 2, 60.0, None, (MONDAY + timedelta(days=day)).timestamp())
    apply_registry(plain_schema_url, parse_registry(registry(plan), "clinic.toml"))
    evening = plan.clock.at(plan.clock.real_s + 10)
    care, found = asyncio.run(staffed(plain_schema_url, evening))
    called = {role: care.who(role, evening).doctor_id for role in ("own_doctor", "team")}
    assert called == {"own_doctor": OWN_DOCTOR, "team": DUTY_DOCTOR}
    assert care.who("duty_doctor", evening).doctor_id == DUTY_DOCTOR
    assert care.who("duty_doctor", evening + timedelta(days=7)).doctor_id == OTHER_DOCTOR
    assert care.who("duty_desk", evening).doctor_id == DESK
    # One telephone each, which nobody has tried out: that alone is left to mend.
    assert {problem.trouble for problem in found} == {Trouble.UNPROVEN}


def test_everybody_of_the_centre_has_a_habit() -> None:
    assert set(DEMO.habits) == set(DOCTORS)
