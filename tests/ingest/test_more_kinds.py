"""Weight, temperature, oximetry and heart rate are taken, kept as they came, and shown."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

import psycopg
import pytest
from clinic import CUFF, METER, MINUTE, NOW, SHARED_CUFF, ZHAO, Signer, directory, pressure
from fix_database import Clinic, Intake
from reassign_parts import Bound, corrects, moves
from upkeep_parts import does
from vitals import EVERY, heart_rate, oximetry, temperature, weight

from yikao_alerts.from_wire import KNOWN, VITALS
from yikao_alerts.history import JUDGED
from yikao_alerts.rules import load_rules
from yikao_devices import wire
from yikao_ingest import landing
from yikao_ingest.accept import AcceptedReading, Quarantined, judge
from yikao_ingest.export.columns import columns, row_of
from yikao_ingest.export.reader import Wanted, find, readings
from yikao_ingest.queries import people
from yikao_ingest.reasons import Reason

RULES = load_rules()
FIRST, SECOND = Signer("gw-1"), Signer("gw-2")
REGISTRY = directory(FIRST, SECOND)
COLUMNS = (
    "kind, weight_kg, weight_lb, temperature_c, temperature_f, spo2_pct, pulse_bpm, unit, flags,"
    " place"
)
LB: dict[str, Any] = {"unit": "lb", "weight_lb": 137.8}
FAHRENHEIT: dict[str, Any] = {"unit": "[degF]", "temperature_f": 98.6}


STATION = "UPDATE device SET station = true"
"""Where a reading may come from that was not taken at home."""


def verdict(item: wire.Reading) -> Reason | None:
    (judged,) = judge(FIRST.send(item), REGISTRY, RULES, NOW).items
    if isinstance(judged, Quarantined):
        assert judged.patient_id == ZHAO
        return judged.reason
    assert isinstance(judged, AcceptedReading)
    assert judged.item == item
    return None


@pytest.mark.parametrize(
    "item",
    [
        *(make() for make in EVERY),
        *(weight(20.0), weight(300.0), weight(62.505, **LB)),
        *(temperature(28.0), temperature(44.0), temperature(37.0, **FAHRENHEIT)),
        *(oximetry(40.0), oximetry(100.0), oximetry(pulse_bpm=None)),
        *(heart_rate(25.0), heart_rate(240.0)),
    ],
)
def test_what_can_be_is_taken(item: wire.Reading) -> None:
    assert verdict(item) is None


@pytest.mark.parametrize(
    ("reason", "item"),
    [
        *((Reason.IMPLAUSIBLE, weight(kg)) for kg in (19.9, 300.1)),
        (Reason.IMPLAUSIBLE, weight(317.5, unit="lb", weight_lb=700.0)),
        *((Reason.IMPLAUSIBLE, temperature(c)) for c in (27.9, 44.1)),
        *((Reason.IMPLAUSIBLE, oximetry(pct)) for pct in (39.9, 100.1)),
        (Reason.IMPLAUSIBLE, oximetry(pulse_bpm=231.0)),
        *((Reason.IMPLAUSIBLE, heart_rate(bpm)) for bpm in (24.0, 241.0)),
        (Reason.UNITS_DISAGREE, weight(unit="lb")),
        (Reason.UNITS_DISAGREE, weight(62.5, unit="lb", weight_lb=62.5)),
        (Reason.UNITS_DISAGREE, temperature(unit="[degF]")),
        (Reason.UNITS_DISAGREE, temperature(37.0, unit="[degF]", temperature_f=99.0)),
    ],
)
def test_what_cannot_be_is_put_aside(reason: Reason, item: wire.Reading) -> None:
    assert verdict(item) is reason


def test_rules_know_every_kind_and_unit_of_the_wire(clinic: Clinic) -> None:
    kinds = {kind for kind, _ in KNOWN}
    assert kinds == {wire.kind_of(make()) for make in EVERY} | JUDGED
    assert set(VITALS) == kinds - JUDGED
    said = clinic.rows("SELECT kind FROM unnest(%s::text[]) AS kind WHERE judged(kind)", [*kinds])
    assert {kind for (kind,) in said} == JUDGED


@pytest.mark.parametrize("straight_from", [1, 1_000])
def test_every_kind_is_kept_and_shown(
    ingest: Intake, monkeypatch: pytest.MonkeyPatch, straight_from: int
) -> None:
    monkeypatch.setattr(landing, "STRAIGHT_FROM", straight_from)
    clinic = ingest.clinic
    clinic.rows(STATION)
    items = (
        weight(62.505, **LB, place="office"),
        temperature(37.0, **FAHRENHEIT),
        oximetry(flags=("low_perfusion",)),
        heart_rate(),
    )
    ingest.receives(clinic.first.send(pressure(), *items))
    assert clinic.rows(f"SELECT {COLUMNS} FROM reading ORDER BY kind") == [
        ("blood_pressure", None, None, None, None, None, 70.0, "mmHg", [], "home"),
        ("heart_rate", None, None, None, None, None, 72.0, "/min", [], "home"),
        ("oximetry", None, None, None, None, 97.0, 71.0, "%", ["low_perfusion"], "home"),
        ("temperature", None, None, 37.0, 98.6, None, None, "[degF]", ["site_ear"], "home"),
        ("weight", 62.505, 137.8, None, None, None, None, "lb", [], "office"),
    ]
    latest = does(clinic, lambda conn: people.latest(conn, "team"))
    assert [
        (each.kind, each.weight, each.temperature, each.spo2, each.pulse) for each in latest
    ] == [
        ("blood_pressure", None, None, None, 70.0),
        ("heart_rate", None, None, None, 72.0),
        ("oximetry", None, None, 97.0, 71.0),
        ("temperature", None, 37.0, None, None),
        ("weight", 62.505, None, None, None),
    ]
    zhao, day = clinic.patient("zhao"), NOW.date()
    (found,) = does(clinic, lambda conn: people.vitals(conn, zhao, day, day, "weight"))
    assert asdict(found) == {
        "time": NOW,
        "unit": "lb",
        "weight": 62.505,
        "temperature": None,
        "spo2": None,
        "pulse": None,
        "flags": [],
        "place": "office",
    }


def test_a_newer_weight_takes_the_place_of_the_latest(ingest: Intake) -> None:
    for at, kg in ((NOW - MINUTE, 62.0), (NOW, 63.0), (NOW - 2 * MINUTE, 64.0)):
        ingest.receives(ingest.clinic.first.send(weight(kg, at=at)))
    assert ingest.clinic.rows("SELECT weight_kg, time FROM patient_latest") == [(63.0, NOW)]


@pytest.mark.parametrize(
    ("make", "value", "other"),
    [
        (weight, 62.0, 63.0),
        (temperature, 36.5, 38.5),
        (oximetry, 97.0, 91.0),
        (heart_rate, 70.0, 90.0),
    ],
)
def test_another_number_of_the_same_moment_is_a_conflict(
    ingest: Intake, make: Any, value: float, other: float
) -> None:
    ingest.clinic.rows(STATION)
    first, again = make(value, reading_id=UUID(int=1)), make(value, place="office")
    sent = (first, again, make(other, place="office"))
    ingest.receives(*(ingest.clinic.first.send(item) for item in sent))
    ((stored, arrived),) = ingest.clinic.rows("SELECT stored, arrived FROM reading_conflict")
    assert stored.keys() == arrived.keys()
    differ = {
        name: {stored[name], arrived[name]} for name in stored if stored[name] != arrived[name]
    }
    # Where it was measured makes no other record of the same.
    assert differ.pop("place") == {"home", "office"}
    assert [*differ.values()] == [{value, other}]
    assert ingest.outcomes()["conflict"] == 1


def test_who_stores_without_the_new_columns_stores_a_reading_at_home(clinic: Clinic) -> None:
    if clinic.one("SELECT value = 'plain' FROM schema_meta WHERE key = 'mode'"):
        clinic.rows("CREATE TABLE reading_all PARTITION OF reading_kept DEFAULT")
    clinic.rows(
        "INSERT INTO reading (patient_id, time, device_id, kind, unit, flags, doubt_s, hub_time,"
        " received_at) VALUES (1, %s, 1, 'glucose', 'mmol/L', '{}', 0, %s, %s)",
        *(NOW, NOW, NOW),
    )
    assert clinic.rows("SELECT r.place, k.place FROM reading r, reading_kept k") == [("home", None)]


def test_a_corrected_binding_takes_them_along(ingest: Intake) -> None:
    clinic = ingest.clinic
    clinic.rows(STATION)
    items = [make(at=NOW - MINUTE, place="office") for make in EVERY]
    items += [weight(70.0, at=NOW - 2 * MINUTE)]
    ingest.receives(clinic.first.send(*items, weight(71.0, at=NOW - 2 * MINUTE)))
    kept = f"SELECT {COLUMNS} FROM reading WHERE patient_id = %s ORDER BY kind, time"
    before = clinic.rows(kept, clinic.patient("zhao"))
    assert len(before) == 5
    corrects(clinic, [Bound(CUFF, "zhao"), Bound(METER, "qian"), Bound(SHARED_CUFF, "qian")])
    moves(clinic)
    assert clinic.rows(kept, clinic.patient("qian")) == before
    assert clinic.one("SELECT count(*) FROM reading_conflict") == 1
    latest = "SELECT weight_kg FROM patient_latest WHERE kind = 'weight'"
    assert clinic.rows(latest) == [(62.5,)]


def test_an_export_has_each_in_a_column_of_its_unit(ingest: Intake) -> None:
    clinic = ingest.clinic
    clinic.rows(STATION)
    items = (weight(62.505, **LB, place="office"), temperature(37.0, **FAHRENHEIT), oximetry())
    ingest.receives(clinic.first.send(*items, heart_rate()))
    names = [column.name for column in columns(with_names=False)]
    with psycopg.connect(clinic.dsn) as conn:
        wanted = Wanted("zhao", None, None, None)
        (zhao,) = find(conn, wanted).residents
        rows = [row_of(zhao, read, with_names=False) for read in readings(conn, zhao, wanted)]
    told = {row[names.index("kind")]: dict(zip(names, row, strict=True)) for row in rows}
    assert (told["weight"]["weight_kg"], told["weight"]["weight_lb"]) == (62.505, 137.8)
    assert (told["weight"]["unit"], told["weight"]["place"]) == ("lb", "office")
    of_temperature = told["temperature"]
    assert (of_temperature["temperature_c"], of_temperature["temperature_f"]) == (37.0, 98.6)
    assert of_temperature["flags"] == ["site_ear"]
    assert (told["oximetry"]["spo2_pct"], told["oximetry"]["pulse_bpm"]) == (97.0, 71.0)
    assert (told["heart_rate"]["pulse_bpm"], told["heart_rate"]["place"]) == (72.0, "home")
    assert told["heart_rate"]["weight_kg"] is None
