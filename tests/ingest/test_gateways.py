"""What gateways are told to do differently, from the command to the gateway and its answer back."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from clinic import CUFF, TENANT, Signer
from fix_database import Clinic
from fix_watch import Watch
from gateway_process import GatewayProcess
from hypothesis import given
from hypothesis import strategies as st
from ingest_parts import Home, ingesting, now
from msgspec import json

from yikao_alerts.rules import RuleSet
from yikao_devices import topics, wire
from yikao_ingest.check import OK, Place, told
from yikao_ingest.check_database import check
from yikao_ingest.cli import main
from yikao_ingest.errors import ServerError
from yikao_ingest.gateways.configure import NAMES, next_wish
from yikao_ingest.gateways.show import load_words
from yikao_ingest.settings import DATABASE_URL
from yikao_ingest.store import Store

HOUR = timedelta(hours=1)
START_MAX_S = 60.0
MACHINE = wire.Machine(
    "3.11.7", "Debian GNU/Linux 12, Linux 6.1, aarch64", 20_000, "5.66", ("hci0",)
)


class Terminal:
    """Runs `yikao gateway`; what it printed, and its exit code."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["gateway", *arguments])
        said = self._read()
        assert ended.value.code == code, said
        return str(said.out + said.err)

    def shows(self, gateway: str) -> dict[str, Any]:
        (shown,) = json.decode(self("show", gateway, "--json"))
        return dict(shown)


@pytest.fixture
def gateway(
    plain_clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """The command, on the clinic's database."""
    monkeypatch.setenv(DATABASE_URL, plain_clinic.dsn)
    return Terminal(capsys.readouterr)


def state(revision: int, outcome: str = "applied", **more: Any) -> wire.ConfigurationState:
    in_force = wire.InForce(revision, "info", "zh", "listed", 60.0, 60.0, 1.0, 500)
    return wire.ConfigurationState(revision, outcome, in_force, 1, now(), "0.1.0", **more)  # type: ignore[arg-type]


def says(home: Home, word: wire.ConfigurationState) -> None:
    home.publish(home.signer.sign(wire.encode(word), topics.CONFIGURATION_STATE))


# What is wished


@given(
    st.lists(
        st.tuples(st.sampled_from(["zh", "en", None]), st.integers(0, 9), st.booleans()),
        min_size=1,
    )
)
def test_each_wish_is_newer_than_all_before_and_keeps_what_was_wished(
    steps: list[tuple[Any, int, bool]],
) -> None:
    at, wish, language = datetime(2026, 3, 2, tzinfo=UTC), None, None
    for change, answered, unset in steps:
        before = wish.revision if wish else 0
        changes = {"language": change} if change else {"eager_s": 2.0}
        taken = frozenset({"language"}) if unset else frozenset()
        wish = next_wish(wish, answered, changes, taken, at)
        assert wish.revision > max(before, answered)
        language = change or (None if unset else language)
        assert wish.language == language


def test_a_log_level_that_is_over_is_not_wished_again() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    first = next_wish(None, 0, {"log_level": "debug", "log_until": at + HOUR}, frozenset(), at)
    assert next_wish(first, 0, {"language": "en"}, frozenset(), at).log_level == "debug"
    over = next_wish(first, 0, {"language": "en"}, frozenset(), at + HOUR)
    assert (over.log_level, over.log_until) == (None, None)


@pytest.mark.parametrize(
    "changes", [{"heartbeat_s": 5.0}, {"backlog_rows": 501}, {"log_level": "debug"}]
)
def test_what_no_gateway_would_take_is_not_wished(changes: dict[str, Any]) -> None:
    with pytest.raises(ServerError):
        next_wish(None, 0, changes, frozenset(), datetime(2026, 3, 2, tzinfo=UTC))


def test_neither_keys_nor_files_nor_addresses_can_be_wished() -> None:
    assert set(NAMES) == {
        *("log_level", "log_until", "language", "pairing"),
        *("heartbeat_s", "reread_s", "eager_s", "backlog_rows"),
    }


def test_both_languages_have_the_same_words() -> None:
    zh, en = load_words("zh"), load_words("en")
    assert {part: set(own) for part, own in zh.items()} == {p: set(own) for p, own in en.items()}


# From the command to the gateway, and back


def test_a_wish_goes_out_and_what_became_of_it_is_seen(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet, gateway: Terminal
) -> None:
    with ingesting(plain_clinic.dsn, url, rules):
        gateway("configure", "gw-1", "--backlog", "20", "--by", "li")
        home.until(lambda: len(home.wishes) == 1)
        assert home.wishes == [wire.Configuration(1, backlog_rows=20)]
        assert gateway.shows("gw-1")["configuration"] == "waiting"
        birth = wire.Birth("gw-1", 1, now(), "0.1.0", "bluez", machine=MACHINE)
        home.publish(home.signer.sign(wire.encode(birth), topics.BIRTH))
        says(home, state(1, "returned", code="unproved", local=("language",)))
        plain_clinic.until(lambda: gateway.shows("gw-1")["configuration"] == "returned")
        shown = gateway.shows("gw-1")
        assert (shown["wished_revision"], shown["revision"]) == (1, 1)
        assert shown["machine"]["adapters"] == ["hci0"]
        assert "acknowledgement" in gateway("show", "--all", "--language", "en")
        told_ = gateway("show", "gw-1")
        assert "已放弃" in told_ and "backlog_rows 20" in told_ and "5.66" in told_
        gateway("configure", "gw-1", "--unset", "backlog", "--language", "en")
        home.until(lambda: len(home.wishes) == 2)
        assert home.wishes[1] == wire.Configuration(2, language="en")
    who = plain_clinic.rows("SELECT revision, set_by FROM gateway_configuration ORDER BY 1")
    assert who[0] == (1, "li")


def test_a_gateway_that_is_behind_is_sent_the_newest_wish_again(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet, gateway: Terminal
) -> None:
    with ingesting(plain_clinic.dsn, url, rules):
        gateway("configure", "gw-1", "--backlog", "20")
        gateway("configure", "gw-1", "--backlog", "30")
        home.until(lambda: len(home.wishes) == 2)
        says(home, state(0))
        home.until(lambda: len(home.wishes) == 3)
        assert home.wishes[2] == wire.Configuration(2, backlog_rows=30)
        says(home, state(2))
        plain_clinic.until(lambda: gateway.shows("gw-1")["configuration"] == "applied")
        unsent = "SELECT count(*) FROM gateway_configuration WHERE sent_at IS NULL"
        assert plain_clinic.one(unsent) == 0


def test_a_number_that_the_database_has_forgotten_is_not_used_again(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet, gateway: Terminal
) -> None:
    with ingesting(plain_clinic.dsn, url, rules):
        says(home, state(41))
        plain_clinic.until(lambda: gateway.shows("gw-1")["revision"] == 41)
        gateway("configure", "gw-1", "--backlog", "20")
        home.until(lambda: [wish.revision for wish in home.wishes] == [42])


def test_wrong_usage_is_told_with_the_remedy(gateway: Terminal) -> None:
    assert "gw-9" in gateway("configure", "gw-9", "--backlog", "20", code=1)
    assert "gw-9" in gateway("show", "gw-9", code=1)
    assert "--all" in gateway("show", code=1)
    assert "nothing" in gateway("configure", "gw-1", code=1)
    assert "together" in gateway("configure", "gw-1", "--log-level", "debug", code=1)
    assert "a day" in gateway("configure", "gw-1", "--log-level", "debug", "--for", "25h", code=2)
    assert "heartbeat_s" in gateway("configure", "gw-1", "--heartbeat", "5", code=1)


def test_check_names_those_that_do_not_do_what_they_were_told(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet, gateway: Terminal, tmp_path: Path
) -> None:
    def look() -> str:
        place = Place({}, tmp_path, lambda: datetime.now(UTC).timestamp())
        (found,) = (one for one in check(place) if one.part == "gateways")
        assert (found.code == OK) == told(found, "zh").startswith("ok")
        return f"{found.code} {told(found, 'en')}"

    assert look().startswith(OK)
    with ingesting(plain_clinic.dsn, url, rules):
        gateway("configure", "gw-1", "--backlog", "20")
        home.publish(home.signer.birth(1, "0.0.9"))
        says(home, state(1, "refused", code="unreadable", field="backlog_rows"))
        plain_clinic.until(lambda: gateway.shows("gw-1")["configuration"] == "refused")
    assert "yikao gateway show gw-1" in look()
    assert gateway.shows("gw-1")["field"] == "backlog_rows"


def test_a_real_gateway_does_it_and_says_so(
    plain_clinic: Clinic, url: str, rules: RuleSet, gateway: Terminal, short_tmp: Path
) -> None:
    process = GatewayProcess(short_tmp)
    process.is_told([], gateway="gw-1", tenant=TENANT, url=url, radio="sim:unix:/no/air")
    _registers_its_key(plain_clinic, process)

    async def play() -> None:
        await process.start({})
        try:
            async with asyncio.timeout(START_MAX_S):
                await _until(gateway, "none", "version")
                gateway("configure", "gw-1", "--language", "en", "--reread", "30")
                await _until(gateway, "applied", "in_force")
                gateway("configure", "gw-1", "--log-level", "debug", "--for", "2h")
                while gateway.shows("gw-1")["in_force"].get("log_level") != "debug":
                    await asyncio.sleep(0.05)
        finally:
            await process.close()

    with ingesting(plain_clinic.dsn, url, rules):
        asyncio.run(play())
    shown = gateway.shows("gw-1")
    assert shown["in_force"]["language"] == "en"
    assert shown["local"] == ["reread_s"]
    assert shown["machine"]["disk_free_mib"] > 0


async def _until(gateway: Terminal, configuration: str, has: str) -> None:
    while True:
        shown = gateway.shows("gw-1")
        if shown["configuration"] == configuration and shown[has]:
            return
        await asyncio.sleep(0.05)


def _registers_its_key(clinic: Clinic, process: GatewayProcess) -> None:
    from yikao_gateway.keys import load_key
    from yikao_gateway.state import make_folder

    make_folder(process.folder / "state")
    key = load_key(process.folder / "state").public_text
    clinic.rows("UPDATE gateway SET public_key = %s WHERE gateway_id = 'gw-1'", key)


# Commands with a date


ADD = """
    INSERT INTO command (command_id, patient_id, gateway_id, device, do_what, text_zh, text_en,
                         created_at, show_at, expires_at)
    VALUES (%s, %s, 'gw-1', %s, 'measure_again', '请再测', 'again', %s, %s, %s)
"""


def test_a_dated_command_goes_ahead_only_to_who_knows_dates(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet
) -> None:
    zhao, ahead, due = plain_clinic.patient("zhao"), uuid4(), uuid4()
    with ingesting(plain_clinic.dsn, url, rules):
        plain_clinic.rows(ADD, ahead, zhao, CUFF, now(), now() + HOUR, now() + 2 * HOUR)
        plain_clinic.rows(ADD, due, zhao, CUFF, now(), now() - HOUR, now() + HOUR)
        home.until(lambda: bool(home.commands))
        assert [command.command_id for command in home.commands] == [due]
        says(home, state(0))
        home.until(lambda: len(home.commands) == 2)
        assert home.commands[1].command_id == ahead
        assert home.commands[1].show_at is not None
        plain_clinic.rows(
            "UPDATE command SET withdrawn_at = %s, sent_at = NULL WHERE command_id = %s",
            *(now(), ahead),
        )
        home.until(lambda: len(home.commands) == 3)
        assert home.commands[2].command_id == ahead
        assert home.commands[2].expires_at <= now(), "it has expired, and is dropped"


def test_what_is_withdrawn_while_it_is_sent_is_sent_again(plain_clinic: Clinic) -> None:
    command = uuid4()
    expires = now() + HOUR
    plain_clinic.rows(ADD, command, plain_clinic.patient("zhao"), CUFF, now(), now(), expires)
    store = Store(plain_clinic.dsn)
    try:
        (row,) = store.execute("unsent_commands", {"now": now()})
        sent = {"command_id": command, "expires_at": row[7], "now": now()}
        plain_clinic.rows("UPDATE command SET withdrawn_at = %s", now())
        store.execute("command_sent", sent)
        assert plain_clinic.one("SELECT sent_at FROM command") is None
        plain_clinic.rows("UPDATE command SET withdrawn_at = NULL")
        store.execute("command_sent", sent)
        assert plain_clinic.one("SELECT sent_at FROM command") is not None
    finally:
        store.close()


LATER = "SELECT do_what, show_at, withdrawn_at, sent_at FROM command WHERE show_at IS NOT NULL"


def test_the_next_round_is_written_ahead_and_taken_back_when_it_is_wanted_no_more(
    watch: Watch,
) -> None:
    watch.measures(205, 112)
    watch.decides()
    watch.until(2)
    watch.measures(206, 112)
    watch.decides()
    ((do, show_at, withdrawn_at, _),) = watch.clinic.rows(LATER)
    assert (do, withdrawn_at) == ("measure_again", None)
    watch.clinic.rows("UPDATE command SET sent_at = created_at")
    watch.answers("wang")
    watch.decides()
    watch.until(5)
    watch.closes("wang")
    watch.decides()
    ((_, still, withdrawn_at, sent_at),) = watch.clinic.rows(LATER)
    assert still == show_at
    assert withdrawn_at is not None
    assert sent_at is None, "the gateway is told"


def test_what_went_ahead_goes_once_more_when_it_is_time(watch: Watch) -> None:
    watch.measures(205, 112)
    watch.decides()
    watch.until(2)
    watch.measures(206, 112)
    watch.decides()
    watch.answers("wang")
    ((_, show_at, _, _),) = watch.clinic.rows(LATER)
    watch.clinic.rows("UPDATE command SET sent_at = created_at")
    watch.until((show_at - watch.now).total_seconds() / 60 + watch.minute)
    assert watch.decides() == 1
    ((_, again, withdrawn_at, sent_at),) = watch.clinic.rows(LATER)
    assert (again, withdrawn_at, sent_at) == (show_at, None, None)
    watch.clinic.rows("UPDATE command SET sent_at = show_at")
    watch.reports("none")
    watch.decides()
    assert watch.clinic.rows(LATER)[0][3] is not None, "and then no more"


def test_the_first_gateway_is_not_answered_for_by_another(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet, gateway: Terminal
) -> None:
    with ingesting(plain_clinic.dsn, url, rules):
        forged = Signer("gw-1").sign(wire.encode(state(9)), topics.CONFIGURATION_STATE)
        home.publish(forged)
        says(home, state(3))
        plain_clinic.until(lambda: gateway.shows("gw-1")["revision"])
    assert gateway.shows("gw-1")["revision"] == 3
