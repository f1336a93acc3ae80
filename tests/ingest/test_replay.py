"""Old decisions computed again: the same bytes, an unbroken chain, and nobody's hand in between."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from clinic import CUFF, NOW
from fix_database import Clinic, clinic_in, database_on
from fix_watch import Watch
from psycopg.conninfo import conninfo_to_dict

from yikao_alerts.judged import judged
from yikao_alerts.record import BODY_BYTES_MAX, GENESIS, RecordError, chained, pack, unpack
from yikao_alerts.replay import What
from yikao_alerts.rules import RuleSet, load_rules
from yikao_alerts.store_read import load
from yikao_alerts.working import connect
from yikao_ingest.cli import main
from yikao_ingest.replaying import Span, replay, shadow_report
from yikao_ingest.settings import DATABASE_URL

MINUTES = 60


def play(watch: Watch) -> None:
    """Play a night with pages, repeats, refusals and symptoms, decided step by step."""
    random = Random(5)
    for minute, systolic in ((0, 186), (2, 184)):
        watch.until(minute)
        watch.measures(systolic, 112)
        watch.decides()
    for minute in range(4, MINUTES, 4):
        watch.until(minute)
        high = random.random() < 0.4
        watch.measures(
            *(random.choice([(186, 112), (184, 108), (172, 104)]) if high else (131, 82))
        )
        if random.random() < 0.2:
            watch.reports(random.choice(["palpitations", "none"]))
        if random.random() < 0.3:
            watch.pricks(random.choice([3.4, 6.1, 17.2]))
        watch.decides()


@pytest.fixture(scope="module")
def played(postgres_dsn_root: str, migrated_template: str, rules: RuleSet) -> Iterator[str]:
    """The name of a database with that night, to be copied: quicker than to play it each time."""
    with database_on(postgres_dsn_root, migrated_template) as dsn:
        with clinic_in(dsn) as clinic:
            watch = Watch(clinic, rules)
            play(watch)
            watch.intake.store.close()
        yield str(conninfo_to_dict(dsn)["dbname"])


@pytest.fixture
def night(postgres_dsn_root: str, played: str, rules: RuleSet) -> Iterator[Watch]:
    """The end of that night."""
    with database_on(postgres_dsn_root, played) as dsn:
        watch = Watch(Clinic(dsn), rules)
        watch.until(MINUTES)
        yield watch
        watch.intake.store.close()
        watch.clinic.connection.close()


def differences(watch: Watch, span: Span = Span(), *, verify: bool = True) -> list[What]:  # noqa: B008
    found = replay(watch.clinic.dsn, span, verify=verify)
    return [difference.what for checked in found for difference in checked.differences]


def test_every_decision_computed_again_is_the_same(night: Watch) -> None:
    assert night.clinic.one("SELECT count(*) FROM finding") > 2
    assert night.clinic.one("SELECT count(*) FROM decision WHERE refusals <> '[]'") > 2
    checked = list(replay(night.clinic.dsn, Span(), verify=True))
    assert len(checked) == night.clinic.one("SELECT count(*) FROM decision")
    assert [each for each in checked if each.differences] == []
    # Part of a chain follows from what came before it.
    later = Span(NOW + timedelta(minutes=20), NOW + timedelta(minutes=40))
    part = list(replay(night.clinic.dsn, later))
    assert 0 < len(part) < len(checked)
    assert [each for each in part if each.differences] == []


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE decision SET body = %s WHERE seq = 7", {What.HASH, What.OUTCOME, What.INPUT}),
        ("UPDATE decision SET body = 'no record' WHERE seq = 7", {What.DAMAGED, What.CHAIN}),
        ("UPDATE decision SET hash = prev_hash WHERE seq = 7", {What.HASH, What.CHAIN}),
        ("UPDATE decision SET decided_at = decided_at + '1 s' WHERE seq = 7", {What.ROW}),
        ("UPDATE decision SET ruleset_digest = 'x' WHERE seq = 7", {What.ROW}),
        ("DELETE FROM finding; DELETE FROM decision WHERE seq = 7", {What.CHAIN}),
        ("UPDATE reading SET systolic_mmhg = 120 WHERE systolic_mmhg = 186", {What.INPUT}),
        ("DELETE FROM reading WHERE systolic_mmhg = 186", {What.INPUT}),
    ],
)
def test_whoever_changes_something_afterwards_is_found(
    night: Watch, tampering: str, found: set[What]
) -> None:
    if "%s" in tampering:
        (stored,) = night.clinic.rows("SELECT body FROM decision WHERE seq = 7")[0]
        body = unpack(bytes(stored)).replace(b"186.0", b"126.0")
        night.clinic.connection.execute(tampering.encode(), (pack(body),))
    else:
        night.clinic.connection.execute(tampering.encode())
    assert set(differences(night)) == found


def test_a_record_rewritten_with_a_hash_of_its_own_breaks_the_chain(night: Watch) -> None:
    """Only who rewrites every later record too is not found; the newest hash kept elsewhere is."""
    stored, before = night.clinic.rows("SELECT body, prev_hash FROM decision WHERE seq = 7")[0]
    body = unpack(bytes(stored)).replace(b"131.0", b"132.0")
    night.clinic.rows(
        "UPDATE decision SET body = %s, hash = %s WHERE seq = 7",
        pack(body),
        chained(bytes(before), body),
    )
    assert What.CHAIN in differences(night, verify=False)


def test_rules_that_are_not_at_hand_are_told(night: Watch) -> None:
    night.clinic.rows("UPDATE decision SET ruleset_digest = 'gone'")
    assert set(differences(night, verify=False)) == {What.ROW}


def test_what_is_no_record_is_refused() -> None:
    whole = pack(b"x" * 1000)
    assert unpack(whole) == b"x" * 1000
    for damaged in (b"", whole[:-1], b"\0" + whole, pack(b"x" * (BODY_BYTES_MAX + 1))):
        with pytest.raises(RecordError):
            unpack(damaged)
    assert chained(GENESIS, b"a") != chained(chained(GENESIS, b"a"), b"a")


def test_the_command_says_what_it_found(
    night: Watch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DATABASE_URL, night.clinic.dsn)
    for arguments, code, words in (
        (["replay", "--verify"], 0, "all identical"),
        (["replay", "--since", "2026-01-01", "--patient", "zhao"], 0, "all identical"),
        (["replay", "--rules", "international"], 0, "new"),
        (["replay", "--patient", "nobody"], 1, "no resident nobody"),
        (["replay", "--since", "yesterday"], 1, "yesterday is no time"),
        (["explain", "999"], 1, "no episode 999"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        assert (ended.value.code, words in printed.out + printed.err) == (code, True), arguments
    night.clinic.rows("UPDATE decision SET hash = prev_hash WHERE seq = 7")
    with pytest.raises(SystemExit) as ended:
        main(["replay"])
    assert ended.value.code == 1
    assert "number 7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("What was measured", "BP-03", "Source:", "What was refused", "王医生", "186")),
        ("zh", ("测到了什么", "来源：", "没有采纳什么", "什么时候通知了谁", "收缩压")),
    ],
)
def test_an_episode_is_explained_to_a_doctor(
    night: Watch,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv(DATABASE_URL, night.clinic.dsn)
    number = night.clinic.one("SELECT min(episode_id) FROM page")
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(number), "--language", language])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert [word for word in words if word not in told] == [], told


def test_old_rules_are_at_hand_by_their_text(watch: Watch, rules: RuleSet, tmp_path: Path) -> None:
    """A set that nobody ships any more is computed by the text that was stored with it."""
    own = tmp_path / "own.toml"
    own.write_text('based_on = "cn"\nversion = "own"\nprofile = "own"\n', "utf-8")
    watch.evaluator = replace(watch.evaluator, rules=load_rules(str(own)))
    watch.measures(186, 112)
    watch.decides()
    assert watch.clinic.one("SELECT ruleset_digest FROM decision") != rules.digest
    assert differences(watch) == []
    watch.clinic.rows("DELETE FROM ruleset")
    assert differences(watch) == [What.RULES]


def test_a_set_on_trial_tells_nobody(watch: Watch) -> None:
    """3.9 mmol/L is low in China's set, and not in the international one."""
    watch.evaluator = replace(watch.evaluator, shadow=load_rules("international"))
    watch.measures(186, 112, ago_min=2)
    watch.measures(184, 110)
    watch.pricks(3.9)
    watch.decides()
    live = watch.clinic.rows("SELECT rule_id FROM finding ORDER BY 1")
    silent = watch.clinic.rows("SELECT rule_id FROM shadow_finding ORDER BY 1")
    assert ("BP-03",) in live
    assert ("BP-03",) in silent
    assert ("GL-03",) in live
    assert ("GL-03",) not in silent
    assert watch.clinic.rows("SELECT DISTINCT rule_id FROM episode ORDER BY 1") == [
        ("BP-03",),
        ("GL-03",),
    ]
    shadows = watch.clinic.rows("SELECT shadow, inputs, refusals FROM decision ORDER BY shadow")
    assert shadows[-1] == (True, [], [])
    assert differences(watch) == []
    report = shadow_report(watch.clinic.dsn, Span())
    assert report.decisions == 1
    assert report.counts["GL-03", "today"] == (0, 1)


def test_only_what_cannot_matter_is_left_out_of_a_look(watch: Watch, rules: RuleSet) -> None:
    """The narrow window says what all of the last days say, whatever they hold."""
    random = Random(11)
    watch.clinic.rows("CREATE TABLE reading_rest PARTITION OF reading_kept DEFAULT")
    for number in range(24):
        _days(watch.clinic, random, number)
    patients = [row[0] for row in watch.clinic.rows("SELECT patient_id FROM resident")]

    async def looks() -> None:
        async with await connect(watch.clinic.dsn) as conn:
            narrow = await load(conn, patients, rules, NOW)
            whole = await load(conn, patients, rules, NOW, whole=True)
        shorter = 0
        for patient in patients:
            one, other = narrow.look(patient), whole.look(patient)
            held = [len(each.given.history.measurements) for each in (one, other)]
            shorter += held[0] < held[1]
            said = [judged(each.given, rules) for each in (one, other)]
            assert said[0] == said[1]
        assert shorter > 3

    asyncio.run(looks())


def _days(clinic: Clinic, random: Random, number: int) -> None:
    """Give a new resident nine days of readings, some of them loud."""
    patient = clinic.one(
        "INSERT INTO resident (code, name, team_id, doctor_id)"
        " VALUES (%s, 'r', 'team', 'wang') RETURNING patient_id",
        f"n{number}",
    )
    loud = random.choice([0.0, 0.0, 0.02, 0.1])
    at: datetime = NOW - timedelta(days=9)
    while at < NOW - timedelta(minutes=5):
        at += timedelta(minutes=random.choice([2, 3, 30, 300, 600]))
        high = random.random() < loud
        clinic.rows(
            "INSERT INTO reading (patient_id, time, device_id, kind, systolic_mmhg,"
            " diastolic_mmhg, pulse_bpm, unit, flags, doubt_s, hub_time, received_at)"
            " SELECT %s, %s, device_id, 'blood_pressure', %s, %s, %s, 'mmHg', %s, 1, %s, %s"
            " FROM device WHERE address = %s",
            *(
                patient,
                at,
                random.choice([162, 181, 96, 205]) if high else random.uniform(110, 130),
            ),
            *(random.uniform(70, 84), random.choice([48, 118]) if high else random.uniform(60, 90)),
            *(["irregular_pulse"] if random.random() < loud / 4 else [], at),
            at + timedelta(seconds=random.choice([3, 3, 3, 1200 if high else 3])),
            CUFF,
        )


def test_a_rule_file_is_kept_with_its_text(watch: Watch, rules: RuleSet) -> None:
    watch.measures(120, 80)
    watch.decides()
    ((digest, texts),) = watch.clinic.rows("SELECT digest, texts FROM ruleset")
    assert digest == rules.digest
    assert [name for name, _ in texts] == [name for name, _ in rules.texts]
