"""The registry file: each fault with its line and its fix, and all of it stored or nothing."""

from datetime import datetime, timedelta

import pytest
from clinic import BINDINGS, CUFF, Signer, pressure, registry_text
from fix_database import Clinic
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st
from registry_parts import faults_of

from yikao_alerts.rules import RuleSet
from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest.accept import AcceptedReading, judge
from yikao_ingest.errors import ServerError
from yikao_ingest.registry import TABLES, parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.store import Store

GOOD = registry_text((Signer("gw-1"), Signer("gw-2")))
SPLIT = datetime.fromisoformat("2026-03-02T12:00:00+08:00")
MOVED = f"""
[[bindings]]
device = "{CUFF}"
resident = "zhao"
until = {SPLIT.isoformat()}
[[bindings]]
device = "{CUFF}"
resident = "qian"
from = {SPLIT.isoformat()}
"""


def line_of(text: str, part: str) -> int:
    """Return the number of the first line that holds `part`."""
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_the_good_file_is_good() -> None:
    registry = parse_registry(GOOD, "clinic.toml")
    counts = {table: len(registry.rows(table)) for table in TABLES}
    assert counts == {
        "centres": 0,
        "rotas": 0,
        "holidays": 0,
        "teams": 1,
        "doctors": 2,
        "residents": 2,
        "caregivers": 0,
        "gateways": 2,
        "devices": 3,
        "bindings": 4,
        "cards": 0,
    }


@pytest.mark.parametrize(
    ("old", "new", "what", "fix"),
    [
        ('name = "城北团队"', 'name = ""', "name is ''", "Write a text"),
        ('name = "城北团队"', 'name = "a\\u0000b"', r"name is 'a\x00b'", "Write a text"),
        ('name = "城北团队"', "name = [1]", "name is [1]", "Write a text"),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Nowhere"', "zone is", "Asia/Shanghai"),
        ('zone = "Asia/Shanghai"', 'zone = "America"', "zone is", "Asia/Shanghai"),
        ('zone = "Asia/Shanghai"', 'zone = ""', "zone is", "Asia/Shanghai"),
        ('zone = "Asia/Shanghai"', "zone = 8", "zone is 8", "Asia/Shanghai"),
        ('duty_doctor = "li"', 'duty_doctor = "lu"', "'lu' is not among", "[[doctors]]"),
        ('language = "en"', 'language = "fr"', "language is 'fr'", "zh, en"),
        ('address = "http://127.0.0.1:9/li"', 'address = "ftp://x"', "contacts", "http(s)://"),
        ('address = "http://127.0.0.1:9/li"', 'address = "http://["', "contacts", "http(s)://"),
        ('address = "http://127.0.0.1:9/li"', 'address = "http://a:b"', "contacts", "http(s)://"),
        ('channel = "webhook"', 'channel = "smtp"', "contacts", "name@host"),
        ('channel = "webhook"', 'channel = "pigeon"', "contacts", "console, webhook, "),
        ('channel = "webhook"', 'by = "x", channel = "webhook"', "contacts", "nothing else"),
        ("birth_year = 1946", "birth_year = 46", "birth_year is 46", "1880 to 2100"),
        ("birth_year = 1946", "birth_year = true", "birth_year is True", "1880 to 2100"),
        ('sex = "f"', 'sex = "w"', "sex is 'w'", "one of f, m"),
        ('sex = "f"', 'groups = ["diabetic"]', "groups is ['diabetic']", "copd, diabetes, frail"),
        ('sex = "f"', 'groups = ["copd", "copd"]', "groups is", "each once"),
        ('sex = "f"', 'groups = "copd"', "groups is 'copd'", "Write a list"),
        ('sex = "f"', "groups = [[1]]", "groups is [[1]]", "Write a list"),
        ('sex = "f"', 'options = ["none"]', "options is", "glucose_high_downgrade"),
        (
            'sex = "f"',
            "target_systolic_mmhg = 300",
            "target_systolic_mmhg is 300",
            "Write 50 to 200",
        ),
        ('sex = "f"', "target_fasting_mmol_l = true", "target_fasting_mmol_l is", "Write 3 to 20"),
        ('id = "gw-1"', 'id = "gw/1"', "id is 'gw/1'", "without / + #"),
        ('tenant = "north"', 'tenant = "no+rth"', "tenant is", "without / + #"),
        ('public_key = "', 'public_key = "A', "public_key is", "yikao-gateway key"),
        (f'address = "{CUFF}"', f'address = "{CUFF.lower()}"', "address is", "AA:BB"),
        ('gateway = "gw-1"', 'gateway = "gw-9"', "'gw-9' is not among", "[[gateways]]"),
        ("user = 1", "user = 300", "user is 300", "0 to 254"),
        ("user = 1", "user = 1\nfrom = 2026-01-01", "from is", "with its offset"),
        ("user = 1", "user = 1\nuser2 = 1", "unknown key user2", "The keys are"),
        ('resident = "qian"', 'resident = ["qian"]', "resident is ['qian']", "Write a text"),
        ('id = "qian"', 'id = "zhao"', "'zhao' is there twice", "Remove one"),
        ('id = "team"\n', "", "id is missing", "Write id"),
    ],
)
def test_each_fault_is_told_with_its_line_and_its_fix(
    old: str, new: str, what: str, fix: str
) -> None:
    text = changed(old, new)
    told = [fault for fault in faults_of(text) if what in fault and fix in fault]
    assert told, faults_of(text)
    place = GOOD[: GOOD.index(old)].count("\n") + 1 + new.count("\n")
    # What is missing is told with the header of its table, which stands right above.
    assert told[0].startswith(f"line {place if new else place - 1}: ")


def test_no_toml_is_told_with_the_parsers_line() -> None:
    (fault,) = faults_of(GOOD + "\n= 1")
    assert fault.startswith(f"line {len(GOOD.splitlines()) + 2}: not valid TOML")


def test_a_table_that_is_none_and_one_that_nobody_knows() -> None:
    told = faults_of('teams = 1\n[[rooms]]\nid = "1"')
    assert "[[teams]] teams is no list of tables. Write [[teams]] before each" in told
    assert any("line 2: unknown table rooms" in fault for fault in told)


def test_all_faults_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = changed('zone = "Asia/Shanghai"', 'zone = "x"').replace('sex = "f"', 'sex = "x"')
    assert [fault.split(":")[0] for fault in faults_of(text)] == [
        f"line {line_of(text, 'zone = ')}",
        f"line {line_of(text, 'sex = ')}",
    ]


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("", "", True),
        ("until = 2026-01-01T00:00:00Z", "", True),
        ("until = 2026-01-01T00:00:00Z", "from = 2026-01-01T00:00:00Z", False),
        ("until = 2026-01-01T08:00:00+08:00", "from = 2026-01-01T00:00:00Z", False),
        ("until = 2026-01-01T00:00:01Z", "from = 2026-01-01T00:00:00Z", True),
        ("user = 1", "user = 2", False),
        ("user = 1", "", False),
    ],
)
def test_no_slot_of_a_device_belongs_to_two_at_the_same_time(
    first: str, second: str, overlap: bool
) -> None:
    bindings = "".join(
        f'[[bindings]]\ndevice = "{CUFF}"\nresident = "{who}"\n{span}\n'
        for who, span in (("zhao", first), ("qian", second))
    )
    text = registry_text((Signer("gw-1"), Signer("gw-2")), bindings=bindings)
    if not overlap:
        parse_registry(text, "clinic.toml")
        return
    (fault,) = faults_of(text)
    lines = [n for n, line in enumerate(text.splitlines(), start=1) if line == "[[bindings]]"]
    assert fault.startswith(
        f"line {lines[1]}: [[bindings]] overlaps the binding of line {lines[0]}"
    )


@pytest.mark.parametrize("until", ["2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z"])
def test_a_binding_ends_after_it_begins(until: str) -> None:
    """An empty range has no bounds in the database, and would be read as one without an end."""
    span = f"user = 1\nfrom = 2026-01-01T00:00:00Z\nuntil = {until}"
    (fault,) = faults_of(changed("user = 1", span))
    assert "ends before it begins. Mend from or until" in fault


@given(
    st.text(max_size=200) | st.builds(lambda a, b: GOOD[:a] + GOOD[b:], *[st.integers(0, 1500)] * 2)
)
@examples(80)
def test_whatever_the_file_says_only_faults_are_raised(text: str) -> None:
    try:
        parse_registry(text, "clinic.toml")
    except FaultyFileError as error:
        assert error.faults


def everything(clinic: Clinic) -> list[object]:
    tables = ("team", "doctor", "contact", "resident", "gateway", "device", "device_binding")
    return [clinic.rows(f"SELECT t::text FROM {table} t ORDER BY 1") for table in tables]


def test_applying_it_twice_changes_nothing(clinic: Clinic) -> None:
    before = everything(clinic)
    clinic.register()
    assert everything(clinic) == before


def test_a_fault_changes_nothing(clinic: Clinic) -> None:
    before = everything(clinic), clinic.one("SELECT value FROM schema_meta WHERE key LIKE 'reg%'")
    with pytest.raises(FaultyFileError):
        clinic.register(bindings='[[bindings]]\ndevice = "nobody\'s"\nresident = "zhao"')
    after = everything(clinic), clinic.one("SELECT value FROM schema_meta WHERE key LIKE 'reg%'")
    assert after == before


def test_who_is_no_longer_named_stays(clinic: Clinic) -> None:
    clinic.register(bindings=BINDINGS.split("[[bindings]]\n", 2)[1].join(("[[bindings]]\n", "")))
    assert clinic.one("SELECT count(*) FROM resident") == 2
    assert clinic.one("SELECT count(*) FROM device_binding") == 1


def test_a_new_key_is_a_new_machine_that_counts_its_starts_anew(plain_clinic: Clinic) -> None:
    plain_clinic.rows("UPDATE gateway SET boot = 7")
    plain_clinic.second = Signer("gw-2")
    plain_clinic.register()
    boots = plain_clinic.rows("SELECT gateway_id, boot FROM gateway ORDER BY 1")
    assert boots == [("gw-1", 7), ("gw-2", None)]


def told(groups: str = '["diabetes"]', systolic: str = "140") -> str:
    """Return the file with a word on Zhao."""
    return changed('sex = "f"', f'sex = "f"\ngroups = {groups}\ntarget_systolic_mmhg = {systolic}')


PROFILES = "SELECT groups, targets, options, set_by FROM resident_profile ORDER BY profile_id"


def test_groups_and_targets_are_added_dated_and_signed(clinic: Clinic) -> None:
    assert clinic.rows(PROFILES) == []
    for text in (told(), told(), told(systolic="135.5")):
        apply_registry(clinic.dsn, parse_registry(text, "clinic.toml"))
    assert clinic.rows(PROFILES) == [
        (["diabetes"], {"target_systolic_mmhg": 140.0}, [], "registry"),
        (["diabetes"], {"target_systolic_mmhg": 135.5}, [], "registry"),
    ]
    assert clinic.one("SELECT count(DISTINCT valid_from) FROM resident_profile") == 2
    # Under a new target the resident is looked at anew.
    assert clinic.rows("SELECT patient_id FROM eval_queue") == [(clinic.patient("zhao"),)] * 2


def test_an_unchanged_file_has_no_word_against_the_doctor(clinic: Clinic) -> None:
    apply_registry(clinic.dsn, parse_registry(told(), "clinic.toml"))
    clinic.rows(
        "INSERT INTO resident_profile (patient_id, valid_from, groups, set_by)"
        " SELECT patient_id, valid_from + interval '1 s', '{frail}', 'wang' FROM resident_profile"
    )
    apply_registry(clinic.dsn, parse_registry(told(), "clinic.toml"))
    assert [row[3] for row in clinic.rows(PROFILES)] == ["registry", "wang"]


def test_a_change_of_the_binding_moves_later_readings(clinic: Clinic, rules: RuleSet) -> None:
    clinic.register(bindings=MOVED)
    store = Store(clinic.dsn)
    registry = store.directory()
    store.close()
    found = {}
    for minutes in (-1, 0, 1):
        reading = pressure(at=SPLIT + timedelta(minutes=minutes))
        judged = judge(clinic.first.send(reading), registry, rules, SPLIT + timedelta(hours=1))
        (item,) = judged.items
        assert isinstance(item, AcceptedReading)
        found[minutes] = item.patient_id
    zhao, qian = clinic.patient("zhao"), clinic.patient("qian")
    assert found == {-1: zhao, 0: qian, 1: qian}


def test_without_the_schema_it_says_what_to_run(database_url: str) -> None:
    with pytest.raises(ServerError, match="yikao migrate"):
        apply_registry(database_url, parse_registry(GOOD, "clinic.toml"))
    with pytest.raises(ServerError, match="yikao migrate"):
        Store(database_url)
