"""A centre with a team's rota, a duty rota, a desk, an obstetrician and a family: who is called."""

from datetime import datetime, timedelta
from typing import Final, LiteralString

import pytest
from clinic import NOW, Signer, registry_text
from fix_watch import Watch
from psycopg import AsyncConnection

from yikao_alerts.answer import hand_over
from yikao_alerts.care_read import load_care, named_in
from yikao_alerts.compose import load_texts
from yikao_alerts.roster import Care
from yikao_alerts.rota import Kind, Leave, Override
from yikao_alerts.rota.store import Signed, load_rotas, say, say_leave
from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry

DOCTOR = """
[[doctors]]
id = "{id}"
name = "{id}"
team = "team"
contacts = [{{ channel = "webhook", address = "http://127.0.0.1:9/{id}" }}]
"""
CENTRE = """
[[centres]]
id = "centre"
name = "城北中心"
zone = "Asia/Shanghai"
duty_desk = "desk"
duty_rota = "duty"
specialists = [{ specialty = "obstetric", rota = "births" }]
page_privacy = "surname"
[[rotas]]
id = "duty"
name = "总值班"
centre = "centre"
layers = [{ members = ["li", "sun"], start = 2026-01-01 }]
[[rotas]]
id = "nurses"
name = "团队值班"
centre = "centre"
layers = [{ members = ["zhou"], start = 2026-01-01 }, { rota = "duty" }]
[[rotas]]
id = "births"
name = "产科"
centre = "centre"
layers = [{ members = ["wu"], start = 2026-01-01 }]
[[caregivers]]
resident = "zhao"
name = "赵先生"
contact = { channel = "webhook", address = "http://127.0.0.1:9/son" }
consent_at = 2026-01-01T00:00:00+08:00
notices = ["red", "unmeasured"]
[[caregivers]]
resident = "zhao"
name = "赵女士"
contact = { channel = "webhook", address = "http://127.0.0.1:9/daughter" }
language = "en"
consent_at = 2026-01-01T00:00:00+08:00
notices = ["unmeasured"]
"""
OPEN_TODAY: Final[LiteralString] = (
    "INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed,"
    " measured_at, opened_at, level_since, last_evidence_at)"
    " SELECT %s, 'bp_high', 'open', 'BP-05', 'today', 1, 'confirmed', at, at, at, at"
    " FROM (SELECT %s::timestamptz) AS now (at)"
)
SIGNED = Signed("li", NOW, "test")
DAY = timedelta(days=1)


def settle(watch: Watch, text: str = CENTRE) -> None:
    """Give the clinic its centre."""
    clinic = watch.clinic
    own = (("webhook", "http://127.0.0.1:9/wang"), ("smtp", "wang@example.org"))
    people = registry_text((clinic.first, clinic.second), contacts=own, rota="nurses")
    doctors = "".join(DOCTOR.format(id=name) for name in ("zhou", "sun", "desk", "wu"))
    apply_registry(clinic.dsn, parse_registry(people + doctors + text, "clinic.toml"))


def care_of(watch: Watch, code: str = "zhao", at: datetime | None = None) -> Care:
    async def read(conn: AsyncConnection) -> dict[int, Care]:
        return await load_care(conn, [patient], at or watch.now)

    patient = watch.clinic.patient(code)
    care: Care = watch.with_connection(read)[patient]
    return care


def crisis(watch: Watch) -> None:
    watch.measures(205, 121, ago_min=2)
    watch.measures(206, 122)
    watch.decides()


def called(watch: Watch) -> list[tuple[float, str]]:
    rows = watch.clinic.rows(
        "SELECT created_at, doctor_id, channel FROM page WHERE doctor_id IS NOT NULL"
        " ORDER BY created_at, step, loop"
    )
    minutes = timedelta(minutes=1)
    return [((at - NOW) / minutes, f"{who} {channel}") for at, who, channel in rows]


def test_each_role_has_who_is_on_call(watch: Watch) -> None:
    settle(watch)
    care = care_of(watch)
    roles = ("own_doctor", "team", "duty_doctor", "duty_desk", "specialist:obstetric")
    today = [care.who(role, NOW).doctor_id for role in roles]
    tomorrow = [care.who(role, NOW + DAY).doctor_id for role in roles]
    assert [today[0], today[1], today[3], today[4]] == ["wang", "zhou", "desk", "wu"]
    assert {today[2], tomorrow[2]} == {"li", "sun"}
    assert care.asks("obstetric")
    assert not care.asks(None)
    assert (care.page_privacy, care.name) == ("surname", "赵奶奶")
    assert [sorted(each.notices) for each in care.caregivers] == [
        ["red", "unmeasured"],
        ["unmeasured"],
    ]
    assert care_of(watch, "qian").caregivers == ()


def test_without_a_centre_it_is_the_teams_duty_doctor(watch: Watch) -> None:
    care = care_of(watch)
    roles = ("team", "duty_doctor", "duty_desk", "specialist:obstetric")
    assert {care.who(role, NOW).doctor_id for role in roles} == {"li"}
    assert not care.asks("obstetric")


def test_who_is_away_has_somebody_who_stands_in(watch: Watch) -> None:
    settle(watch)

    async def leave(conn: AsyncConnection) -> None:
        await say_leave(conn, Leave("wang", NOW, NOW + DAY, "sun"), SIGNED)
        await say_leave(conn, Leave("zhou", NOW, NOW + DAY), SIGNED)
        await say(conn, "duty", Override(Kind.REPLACE, ("wu",), NOW, NOW + DAY), SIGNED)

    watch.with_connection(leave)
    care = care_of(watch)
    assert care.who("own_doctor", NOW).doctor_id == "sun"
    assert care.who("own_doctor", NOW + 2 * DAY).doctor_id == "wang"
    # Nobody of the team is left: the next on the way down, whom a word has put on duty.
    assert care.who("team", NOW).doctor_id == "wu"
    rotas = watch.with_connection(load_rotas)
    assert named_in(rotas["nurses"]) == {"zhou", "li", "sun", "wu"}


def test_a_night_nobody_answers_goes_through_everybody(watch: Watch) -> None:
    settle(watch)
    on_duty = care_of(watch).who("duty_doctor", NOW).doctor_id
    crisis(watch)
    for minute in (1, 2, 5, 10, 20, 29):
        watch.until(minute)
        watch.decides()
    assert called(watch) == [
        (0, "wang webhook"),
        (2, "wang smtp"),
        (5, "zhou webhook"),
        (10, f"{on_duty} webhook"),
        (20, "desk webhook"),
    ]


def test_who_is_on_call_is_asked_at_the_moment_of_the_call(watch: Watch) -> None:
    settle(watch)
    crisis(watch)
    watch.until(4)
    watch.decides()
    override = Override(Kind.REPLACE, ("wu",), NOW, NOW + DAY)
    watch.with_connection(lambda conn: say(conn, "nurses", override, SIGNED))
    watch.until(5)
    watch.decides()
    assert called(watch)[-1] == (5, "wu webhook")


def test_handed_over_the_chain_begins_with_who_took_it_and_goes_on(watch: Watch) -> None:
    settle(watch)
    crisis(watch)
    watch.until(1)
    number = watch.episode_id
    watch.with_connection(
        lambda conn: hand_over(conn, now=watch.now, episode_id=number, doctor_id="wang", to="sun")
    )
    for minute in (1, 3, 6):
        watch.until(minute)
        watch.decides()
    assert [who for _, who in called(watch)[1:]] == ["sun webhook", "sun webhook", "zhou webhook"]


def notices(watch: Watch) -> list[tuple[float, str, str, str, str]]:
    rows = watch.clinic.rows(
        "SELECT created_at, address, body, link, state FROM page"
        " WHERE caregiver_id IS NOT NULL ORDER BY created_at, page_id"
    )
    return [((at - NOW) / timedelta(minutes=1), *rest) for at, *rest in rows]


def test_the_family_is_told_once_and_cannot_answer(watch: Watch) -> None:
    settle(watch)
    crisis(watch)
    for minute in (1, 2, 5, 29):
        watch.until(minute)
        watch.decides()
    red = load_texts("zh")["family"]["red"]
    assert notices(watch) == [(0, "http://127.0.0.1:9/son", red, "", "due")]
    # Half an hour without a reading: both are asked to see to it.
    watch.until(30)
    watch.decides()
    told = {address.rsplit("/")[-1]: body for at, address, body, *_ in notices(watch) if at == 30}
    assert told == {
        lang_and[0]: load_texts(lang_and[1])["family"]["unmeasured"]
        for lang_and in (("son", "zh"), ("daughter", "en"))
    }
    assert len(notices(watch)) == 3
    watch.answers("wang")
    watch.until(90)
    watch.decides()
    assert len(notices(watch)) == 3
    assert {state for *_, state in notices(watch)} == {"cancelled"}


def test_who_is_no_longer_in_the_file_is_told_nothing(watch: Watch) -> None:
    settle(watch)
    settle(watch, CENTRE[: CENTRE.index("[[caregivers]]")])
    crisis(watch)
    assert notices(watch) == []


@pytest.mark.parametrize("code", sorted(load_texts("zh")["family"]))
def test_what_the_family_reads_has_no_value(code: str) -> None:
    for language in ("zh", "en"):
        words = load_texts(language)["family"][code].replace("120", "")
        assert not any(letter.isdigit() for letter in words)


@pytest.mark.parametrize(
    ("old", "new", "what", "fix"),
    [
        ('resident = "zhao"', 'resident = "zhou"', "'zhou' is not among the residents", "Add it"),
        ('channel = "webhook"', 'channel = "drum"', "contact is", "Each contact has a channel"),
        ("http://127.0.0.1:9/son", "son", "contact is", "Write the address of webhook"),
        ("consent_at = 2026-01-01T00:00:00+08:00\n", "", "consent_at is missing", "consent_at ="),
        ('notices = ["red", "unmeasured"]', 'notices = ["all"]', "notices is", "red, unmeasured"),
    ],
)
def test_a_faulty_caregiver_is_refused_with_the_fix(
    old: str, new: str, what: str, fix: str
) -> None:
    people = registry_text((Signer("gw-1"), Signer("gw-2")))
    family = CENTRE[CENTRE.index("[[caregivers]]") :]
    assert parse_registry(people + family, "clinic.toml").rows("caregivers")
    with pytest.raises(FaultyFileError) as caught:
        parse_registry(people + family.replace(old, new, 1), "clinic.toml")
    assert [what in fault.what and fix in fault.fix for fault in caught.value.faults] == [True]


def test_yellow_of_two_residents_is_due_at_the_same_moment(watch: Watch) -> None:
    settle(watch)
    for code, minute in (("zhao", 1), ("qian", 9)):
        watch.until(minute)
        watch.clinic.rows(OPEN_TODAY, watch.clinic.patient(code), watch.now)
        watch.clinic.rows(
            "INSERT INTO eval_queue (patient_id, queued_at) VALUES (%s, %s)",
            watch.clinic.patient(code),
            watch.now,
        )
        watch.decides()
    watch.until(179)
    watch.decides()
    assert called(watch) == []
    # Noon was hour 0: three in the afternoon.
    watch.until(180)
    assert watch.decides() == 2
    due = watch.clinic.rows("SELECT doctor_id, due_at, red FROM page")
    assert due == [("wang", watch.now + timedelta(minutes=1), False)] * 2
