"""Settings: what cannot work or can be guessed is refused at the start, with the remedy."""

import re
from pathlib import Path

import pytest
from fix_watch import SECRET

import yikao_alerts
import yikao_devices
import yikao_ingest
from yikao_alerts.channels.smtp import Smtp
from yikao_alerts.feed.settings import DEFAULT_HOST, DEFAULT_PORT, HOST, LINK_SECRET_FILE, PORT
from yikao_ingest.errors import ServerError
from yikao_ingest.settings import (
    BROKER_URL,
    DATABASE_URL,
    PUBLIC_URL,
    SMTP_PASSWORD_FILE,
    SMTP_URL,
    WEBHOOK_SECRET_FILE,
    broker_address,
    channels,
    linking,
    make_secret,
    meanings,
    required,
    secret,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings that are enough."""
    file = tmp_path / "secret"
    file.write_bytes(SECRET)
    return {LINK_SECRET_FILE: str(file), WEBHOOK_SECRET_FILE: str(file)}


def refused(words: str) -> "pytest.RaisesExc[ServerError]":
    return pytest.raises(ServerError, match=re.escape(words))


def test_what_is_not_set_is_told_with_its_meaning() -> None:
    with refused(f"{DATABASE_URL} is not set: set it (PostgreSQL or TimescaleDB"):
        required({DATABASE_URL: ""}, DATABASE_URL)


def test_every_setting_has_a_meaning_in_both_languages() -> None:
    """Whatever the server's code names, but the gateway's, which has a file of its own."""
    packages = (yikao_alerts, yikao_devices, yikao_ingest)
    files = [file for one in packages for file in Path(one.__path__[0]).rglob("*.py")]
    named = re.findall(r'"(YIKAO_\w+)"', "".join(file.read_text("utf-8") for file in files))
    en, zh = meanings("en"), meanings("zh")
    assert set(named) == set(en) and list(en) == list(zh)
    for variable in en:
        assert re.search(
            "[\N{CJK UNIFIED IDEOGRAPH-4E00}-\N{CJK UNIFIED IDEOGRAPH-9FFF}]", zh[variable]
        )
        assert en[variable].isprintable() and "|" not in en[variable] + zh[variable]
    for told in (en, zh):
        assert DEFAULT_HOST in told[HOST] and str(DEFAULT_PORT) in told[PORT]


def test_the_brokers_address() -> None:
    assert broker_address("mqtt://broker:1884") == ("broker", 1884)
    assert broker_address("mqtt://10.0.0.1") == ("10.0.0.1", 1883)


@pytest.mark.parametrize(
    "url", ["mqtts://broker", "broker:1883", "mqtt://", "mqtt://a:b", "mqtt://["]
)
def test_no_other_address_is_taken_for_one(url: str) -> None:
    """Least of all one that asks for TLS: it would be spoken to in the clear."""
    with refused(BROKER_URL):
        broker_address(url)


def test_a_secret_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "link.key"
    make_secret(path)
    content = path.read_bytes()
    make_secret(path)
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o077 == 0
    assert secret({LINK_SECRET_FILE: str(path)}, LINK_SECRET_FILE) == content


@pytest.mark.parametrize("content", [b"", b"\n", b"secret"])
def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "link.key"
    path.write_bytes(content)
    with refused("can be guessed"):
        secret({LINK_SECRET_FILE: str(path)}, LINK_SECRET_FILE)
    with refused("cannot be read"):
        secret({LINK_SECRET_FILE: str(path / "none")}, LINK_SECRET_FILE)


def test_links_lead_to_the_public_address(environ: dict[str, str]) -> None:
    assert linking(environ).public_url.startswith("http://127.0.0.1:")
    assert linking(environ | {PUBLIC_URL: "https://feed/"}).public_url == "https://feed"


def test_mail_is_a_channel_where_a_server_is_set(environ: dict[str, str], tmp_path: Path) -> None:
    assert set(channels(environ)) == {"console", "webhook", "sink"}
    file = tmp_path / "password"
    file.write_text("pass word\n")
    url = "smtp+starttls://yikao%40clinic@mail.test"
    found = channels(environ | {SMTP_URL: url, SMTP_PASSWORD_FILE: str(file)})["smtp"]
    assert isinstance(found, Smtp)
    server = found._server
    assert (server.host, server.port, server.tls) == ("mail.test", 587, "starttls")
    assert server.username == "yikao@clinic"
    assert server.password is not None
    assert server.password() == "pass word"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mail.test", "not of the form"),
        ("smtps://user:password@mail.test", SMTP_PASSWORD_FILE),
        ("smtp://mail.test", "in the clear to mail.test"),
        ("smtps://mail.test:port", "no address"),
    ],
)
def test_a_mail_server_that_would_leak_is_refused(
    environ: dict[str, str], url: str, words: str
) -> None:
    with refused(words):
        channels(environ | {SMTP_URL: url})
