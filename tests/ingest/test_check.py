"""`yikao check` on this machine and at the broker: each part is broken for real, and named."""

import re
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
from fix_servers import require
from fix_watch import SECRET
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_devices.story_clock import VARIABLE
from yikao_ingest import check_broker, check_database, check_machine
from yikao_ingest.check import COMMON, OK, UNKNOWN, Found, Place, load_texts, span, told
from yikao_ingest.cli import main
from yikao_ingest.cli_check import UNSET, shown
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.broker_engines import Engine, Listener, mosquitto
from yikao_ingest.settings import (
    BROKER_URL,
    DATABASE_URL,
    SMTP_URL,
    WEBHOOK_SECRET_FILE,
    meanings,
)

REFUSED = b"\x20\x03\x00\x87\x00"
"""CONNACK "not authorized": MQTT 5.0, 3.2.2.2."""
FILES = (check_broker, check_database, check_machine)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A machine with both keys, on which nothing runs."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name in check_machine.SECRET_FILES.values():
        (folder / name).write_bytes(SECRET)
        (folder / name).chmod(0o600)
    return Place({}, tmp_path, time.time)


def says(found: Found, code: str, *words: str) -> None:
    """Assert what was found, and that both languages tell it with these words."""
    assert found.code == code, told(found, "en")
    for language in ("zh", "en"):
        line = told(found, language)
        assert line.startswith("ok" if code == OK else "!!") and "{" not in line
        assert all(word in line for word in words), line


def fields(said: object) -> list[set[str]]:
    sentences = [said] if isinstance(said, str) else said
    assert isinstance(sentences, list)
    return [{name for _, name, _, _ in Formatter().parse(text) if name} for text in sentences]


def test_both_languages_say_the_same_of_everything_that_can_be_found() -> None:
    zh, en = load_texts("zh"), load_texts("en")
    assert {part: set(own) for part, own in zh.items()} == {p: set(own) for p, own in en.items()}
    for part, own in en.items():
        assert part == COMMON or own["name"]
        for code, said in own.items():
            assert fields(said) == fields(zh[part][code]), f"{part}.{code}"
            assert isinstance(said, str) == (code in (OK, UNKNOWN, "name"))


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    code = "".join(Path(str(module.__file__)).read_text("utf-8") for module in FILES)
    words = set(re.findall(r'"(\w+)"', code)) | {OK}
    for part, own in load_texts("en").items():
        assert part in words | {COMMON}
        assert set(own) - {"name", UNKNOWN} <= words, part


@given(st.floats(0, 1e9))
def test_a_span_is_short_and_has_a_unit(seconds: float) -> None:
    number, unit = span(seconds).split(" ")
    size_s = {"s": 1, "min": 60, "h": 3600, "d": 86_400}[unit]
    assert abs(int(number) * size_s - seconds) <= size_s / 2 + 1e-6


def test_rules_with_a_fault_are_named_with_it(tmp_path: Path) -> None:
    says(check_machine.rules(), OK)
    (tmp_path / "mine.toml").write_text('version = "1"\nx = 1\ny = 2\n', "utf-8")
    found = check_machine.rules(str(tmp_path))
    says(found, "faulty", "line 2", "; ")
    assert len(told(found, "zh").splitlines()) == 1


def test_secrets(place: Place) -> None:
    says(check_machine.secrets(place), OK)
    key = place.data / "secrets" / "webhook.key"
    key.chmod(0o604)
    says(check_machine.secrets(place), "exposed", str(key))
    key.write_bytes(b"short")
    says(check_machine.secrets(place), "faulty", "5 bytes")
    key.unlink()
    says(check_machine.secrets(place), "absent", WEBHOOK_SECRET_FILE)
    elsewhere = place.data / "secrets" / "link.key"
    named = replace(place, environ={WEBHOOK_SECRET_FILE: str(elsewhere)})
    says(check_machine.secrets(named), OK)
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600


def test_a_disk_without_room(tmp_path: Path) -> None:
    says(check_machine.disk(tmp_path / "not" / "there" / "yet"), OK, str(tmp_path))
    # A file system that never has any room.
    says(check_machine.disk(Path("/proc")), "full", "/proc")


def broker_at(place: Place, url: str) -> Found:
    return check_broker.broker(replace(place, environ={BROKER_URL: url}))


@pytest.fixture
def unfriendly() -> Iterator[str]:
    """The address of a server that takes a connection and refuses it in MQTT."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(REFUSED)

        thread = threading.Thread(target=refuse)
        thread.start()
        yield f"mqtt://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_broker_that_is_there_tells_what_it_grants(place: Place, broker_url: str) -> None:
    says(broker_at(place, broker_url), OK, "MQTT 5", "QoS")


def test_a_broker_that_is_not(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    says(broker_at(place, f"mqtt://127.0.0.1:{port}"), "away", f"127.0.0.1:{port}")
    says(broker_at(place, "mqtts://broker"), "faulty", BROKER_URL)
    says(check_broker.broker(place), "absent", BROKER_URL)


def test_a_broker_that_refuses(place: Place, unfriendly: str) -> None:
    says(broker_at(place, unfriendly), "refuses", "Not authorized")


def test_a_broker_that_speaks_something_else(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        url = f"mqtt://127.0.0.1:{listener.getsockname()[1]}"
        says(broker_at(place, url), "refuses", "MQTT")
        thread.join()


def limited(extra: str) -> Engine:
    """Return mosquitto with one more line in its configuration."""
    engine = mosquitto()
    require(engine is not None, "mosquitto")
    assert engine is not None
    usual = engine.configure

    def configure(listener: Listener) -> str:
        return usual(listener) + extra + "\n"

    return replace(engine, configure=configure)


@pytest.mark.parametrize(
    ("line", "code"), [("max_packet_size 1000", "short"), ("max_qos 0", "no_qos")]
)
def test_a_broker_that_grants_too_little(
    place: Place, short_tmp: Path, line: str, code: str
) -> None:
    broker = EmbeddedBroker(short_tmp / "broker", engine=limited(line))
    url = broker.start()
    try:
        says(broker_at(place, url), code, url.removeprefix("mqtt://"))
        # The broker of `yikao serve` is found by the configuration it was given.
        says(check_broker.broker(replace(place, data=short_tmp)), code)
    finally:
        broker.stop()


def test_the_address_of_either_embedded_broker_is_found(tmp_path: Path) -> None:
    assert check_broker.embedded_address(tmp_path) is None
    (tmp_path / "iotcore.toml").write_text('[v5.1]\nlisten = "127.0.0.1:1884"\n', "utf-8")
    assert check_broker.embedded_address(tmp_path) == ("127.0.0.1", 1884)
    (tmp_path / "mosquitto.conf").write_text("# x\nlistener 1885 127.0.0.2\n", "utf-8")
    assert check_broker.embedded_address(tmp_path) == ("127.0.0.2", 1885)


def test_without_a_database_the_rest_is_not_looked_at(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATABASE_URL, raising=False)
    first, *rest = check_database.check(place)
    says(first, "none", DATABASE_URL, "yikao serve")
    assert [(one.part, one.code) for one in rest] == [(p, UNKNOWN) for p in check_database.PARTS]
    assert told(rest[0], "en").startswith("??")
    monkeypatch.setenv(DATABASE_URL, f"host={place.data} dbname=none")
    first, *rest = check_database.check(place)
    says(first, "away", DATABASE_URL)
    assert {one.code for one in rest} == {UNKNOWN}


def test_a_server_in_a_story_is_told_apart(plain_schema_url: str, tmp_path: Path) -> None:
    settings = {
        DATABASE_URL: plain_schema_url,
        VARIABLE: "2026-03-02T21:50:00+08:00@1772459400*60",
        LINK_SECRET_FILE: "",
    }
    command = (sys.executable, "-m", "yikao_ingest", "check", "--data", str(tmp_path))
    done = subprocess.run(
        [*command, "--language", "en"], env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and not done.stderr
    assert f"!!  clock: {VARIABLE} is set" in done.stdout


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_setting_is_told_with_its_meaning(
    language: str, place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SMTP_URL, "smtps://me@HOST:465")
    monkeypatch.delenv(DATABASE_URL, raising=False)
    with pytest.raises(SystemExit):
        main(["check", "--data", str(place.data), "--language", language])
    lines = capsys.readouterr().out.splitlines()
    told_of = meanings(language)
    assert [line.split(" = ")[0].strip() for line in lines[-len(told_of) :]] == list(told_of)
    assert all(
        line.endswith(told_of[line.split(" = ")[0].strip()]) for line in lines if " = " in line
    )
    assert f"  {SMTP_URL} = smtps://…@HOST:465   {told_of[SMTP_URL]}" in lines
    assert f"  {DATABASE_URL} = {UNSET[language]}   {told_of[DATABASE_URL]}" in lines


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://yikao:hunter2@db.example.org/yikao",
        "postgresql://yikao@db.example.org/yikao?password=hunter2",
        "host=db.example.org user=yikao dbname=yikao password=hunter2 sslpassword=hunter2",
    ],
)
def test_a_database_is_shown_without_its_password(dsn: str) -> None:
    words = set(shown({DATABASE_URL: dsn}, DATABASE_URL).split())
    assert words == {"host=db.example.org", "user=yikao", "dbname=yikao"}


def test_other_settings_are_shown_as_they_are() -> None:
    assert shown({}, DATABASE_URL) == shown({}, BROKER_URL) == ""
    assert shown({DATABASE_URL: "host"}, DATABASE_URL) == "…"
    assert shown({SMTP_URL: "smtps://me@HOST:465"}, SMTP_URL) == "smtps://…@HOST:465"
    assert shown({BROKER_URL: "mqtt://b"}, BROKER_URL) == "mqtt://b"
