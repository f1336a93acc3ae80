"""Centres, rotas and holidays in the registry file: each fault with its fix; stored and loaded."""

import asyncio
from datetime import UTC, date, datetime, time

import psycopg
import pytest
from clinic import Signer, registry_text
from fix_database import Clinic
from registry_parts import faults_of

from yikao_alerts.rota import HandOver, Kind, Leave, Override, Rotas, on_call
from yikao_alerts.rota.store import Signed, load_rotas, say, say_leave, withdraw
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry

SIGNERS = (Signer("gw-1"), Signer("gw-2"))
CENTRE = """
[[centres]]
id = "centre"
name = "城北中心"
zone = "Asia/Shanghai"
duty_desk = "li"
duty_rota = "duty"
specialists = [{ specialty = "obstetric", rota = "duty" }]
[[rotas]]
id = "duty"
name = "总值班"
centre = "centre"
layers = [{ members = ["wang", "li"], start = 2027-01-04, shift_days = 7 }]
[[rotas]]
id = "north"
name = "城北团队"
centre = "centre"
layers = [
  { members = ["li"], start = 2027-01-04, days = ["workday"], from = "08:00", until = "18:00" },
  { rota = "duty" },
]
[[holidays]]
day = 2027-01-06
kind = "offday"
name = "休"
"""
GOOD = registry_text(SIGNERS, rota="north") + CENTRE
NOON = datetime(2027, 1, 5, 4, tzinfo=UTC)
SPAN = (datetime(2027, 1, 5, tzinfo=UTC), datetime(2027, 1, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("old", "new", "what", "fix"),
    [
        ('duty_desk = "li"', 'duty_desk = "lu"', "'lu' is not among the doctors", "[[doctors]]"),
        ('duty_rota = "duty"', 'duty_rota = "x"', "'x' is not among the rotas", "[[rotas]]"),
        ('specialty = "obstetric"', 'for = "x"', "specialists is", "specialty ="),
        ('rota = "duty" }]', 'rota = "x" }]', "'x' is not among the rotas", "[[rotas]]"),
        ('centre = "centre"\nlayers', 'centre = "x"\nlayers', "'x' is not among", "[[centres]]"),
        ('["wang", "li"], start', '["wang", "lu"], start', "member 'lu'", "Add the doctor"),
        ('["wang", "li"], start', "[], start", "layers is", "1 to 50 doctors"),
        ("start = 2027-01-04, shift", 'start = "2027", shift', "layers is", "2027-01-04"),
        ("shift_days = 7", "shift_days = 0", "layers is", "from 1 to 366"),
        ("shift_days = 7", "shift_days = true", "layers is", "from 1 to 366"),
        ("shift_days = 7", 'hand_over = "8"', "layers is", '"08:00"'),
        ("shift_days = 7", 'hand_over = "08:00+08:00"', "layers is", '"08:00"'),
        ("shift_days = 7", 'rota = "north"', "layers is", "either members"),
        ("shift_days = 7", "night = 1", "layers is", "has no night"),
        ('days = ["workday"], ', "", "layers is", "Hours need all"),
        ('["workday"]', '["holiday"]', "layers is", "offday"),
        ('until = "18:00"', "until = 18", "layers is", '"08:00"'),
        ('{ rota = "duty" },', "{ rota = 7 },", "layers is", "its id"),
        ('{ rota = "duty" },', '{ rota = "x" },', "rota 'x' is not among", "Add the rota"),
        ('{ rota = "duty" },', '{ rota = "north" },', "refers back", "Name members"),
        ('{ rota = "duty" },', '{ rota = "duty", start = 2027-01-04 },', "layers is", "no start"),
        (
            "shift_days = 7",
            "first_day = 2027-02-02, last_day = 2027-02-01",
            "layers is",
            "lies before",
        ),
        ('kind = "offday"', 'kind = "holiday"', "kind is", "offday, workday"),
        ("day = 2027-01-06", 'day = "2027-01-06"', "day is", "without quotes"),
    ],
)
def test_each_fault_is_told_with_its_fix(old: str, new: str, what: str, fix: str) -> None:
    assert old in GOOD
    told = faults_of(GOOD.replace(old, new, 1))
    assert any(what in fault and fix in fault for fault in told), told


def loaded(dsn: str, **more: datetime) -> Rotas:
    async def load() -> Rotas:
        async with await psycopg.AsyncConnection.connect(dsn) as conn:
            return await load_rotas(conn, **more)

    return asyncio.run(load())


def test_what_was_stored_is_what_is_on_call(clinic: Clinic) -> None:
    assert loaded(clinic.dsn) == {}
    apply_registry(clinic.dsn, parse_registry(GOOD, "clinic.toml"))
    rotas = loaded(clinic.dsn)
    assert on_call(rotas["duty"], NOON) == ("wang",)
    assert on_call(rotas["north"], NOON) == ("li",)
    assert on_call(rotas["north"], NOON.replace(day=6)) == ("wang",)
    assert rotas["duty"].holidays == {date(2027, 1, 6): "offday"}
    assert clinic.rows("SELECT centre_id, rota_id FROM team") == [("centre", "north")]
    specialists = clinic.rows("SELECT centre_id, specialty, rota_id FROM specialist")
    assert specialists == [("centre", "obstetric", "duty")]


def test_the_file_again_replaces_layers_and_keeps_what_people_said(clinic: Clinic) -> None:
    apply_registry(clinic.dsn, parse_registry(GOOD, "clinic.toml"))
    signed = Signed("wang", NOON, "开会")

    async def speak() -> int:
        async with await psycopg.AsyncConnection.connect(clinic.dsn) as conn:
            await say_leave(conn, Leave("wang", *SPAN), signed)
            await say(conn, "duty", Override(Kind.ADD, ("wang", "li"), *SPAN), signed)
            return await say(conn, "north", HandOver("li", "wang", *SPAN), signed)

    number = asyncio.run(speak())
    changed = GOOD.replace(
        "start = 2027-01-04, shift_days = 7", 'start = 2027-01-05, hand_over = "09:30"'
    )
    apply_registry(clinic.dsn, parse_registry(changed, "clinic.toml"))
    rotas = loaded(clinic.dsn)
    (layer,) = rotas["duty"].layers
    assert getattr(layer.turns, "hand_over", None) == time(9, 30)
    assert rotas["duty"].words == (Override(Kind.ADD, ("wang", "li"), *SPAN),)
    assert rotas["duty"].leaves == (Leave("wang", *SPAN),)
    assert on_call(rotas["duty"], NOON) == ("li",)
    assert loaded(clinic.dsn, since=SPAN[1])["duty"].words == ()

    async def take_back() -> tuple[bool, bool]:
        async with await psycopg.AsyncConnection.connect(clinic.dsn) as conn:
            first = await withdraw(conn, "override", number, "li", NOON)
            return first, await withdraw(conn, "override", number, "li", NOON)

    assert asyncio.run(take_back()) == (True, False)
    assert loaded(clinic.dsn)["north"].words == ()
    kept = clinic.rows("SELECT said_by, withdrawn_by FROM rota_override WHERE kind = 'hand_over'")
    assert kept == [("wang", "li")]


def test_a_team_without_a_centre_stays_as_it_was(clinic: Clinic) -> None:
    assert clinic.rows("SELECT centre_id, rota_id, duty_doctor_id FROM team") == [
        (None, None, "li")
    ]
