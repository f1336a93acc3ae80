"""The watchdog's settings: what the registry needs is printed, and what is wrong is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from clinic import NOW
from fix_database import DEADLINE_S

from yikao_alerts.rules import RuleSet
from yikao_ingest.accept import AcceptedReading, Incoming, judge
from yikao_ingest.directory import ANYBODY, Binding, Device, Directory, Gateway
from yikao_ingest.errors import ServerError
from yikao_ingest.registry import parse_registry
from yikao_ingest.settings import (
    BROKER_URL,
    DATABASE_URL,
    WATCH_CHANNEL,
    WATCH_KEY_FILE,
    WATCH_LISTEN,
    WEBHOOK_SECRET_FILE,
    make_secret,
)
from yikao_ingest.signature import public_key
from yikao_ingest.watch.canary import CODE, METER, beat
from yikao_ingest.watch.settings import watch_settings

KEY = bytes(range(32))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """All that a watchdog needs."""
    key, secret = tmp_path / "watch.key", tmp_path / "webhook.key"
    make_secret(key)
    make_secret(secret)
    return {
        DATABASE_URL: "postgresql://db.test/yikao",
        BROKER_URL: "mqtt://broker.test",
        WEBHOOK_SECRET_FILE: str(secret),
        WATCH_KEY_FILE: str(key),
        WATCH_CHANNEL: "webhook:https://ops.test/desk",
    }


def test_the_settings_are_the_watchdogs_own(environ: dict[str, str]) -> None:
    settings = watch_settings(environ)
    assert settings.address == "https://ops.test/desk"
    assert settings.sink.startswith("http://127.0.0.1:8094/")
    assert settings.language == "zh"
    assert settings.ping_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (WATCH_CHANNEL, ""),
        (WATCH_CHANNEL, "webhook"),
        (WATCH_CHANNEL, "pigeon:home"),
        (WATCH_LISTEN, "nowhere"),
        (WATCH_LISTEN, "[::1"),
        (WATCH_LISTEN, "127.0.0.1:99999"),
        (WATCH_KEY_FILE, "/nowhere/key"),
        ("YIKAO_WATCH_LANGUAGE", "fr"),
        ("YIKAO_WATCH_PING_URL", "hc-ping.com/7"),
    ],
)
def test_what_is_wrong_is_said(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(ServerError) as caught:
        watch_settings(environ | {name: value})
    assert name in str(caught.value)


def test_what_the_registry_needs_is_printed(environ: dict[str, str], tmp_path: Path) -> None:
    key = tmp_path / "new.key"
    command = [sys.executable, "-m", "yikao_ingest", "watch", "--registry"]
    said = subprocess.run(
        command,
        env={**os.environ, WATCH_KEY_FILE: str(key)},
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    registry = parse_registry(said.stdout, "canary.toml")
    (resident,) = registry.rows("residents")
    assert resident.values["synthetic"] is True
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_beat_is_accepted_as_any_gateways_reading(rules: RuleSet) -> None:
    known = Directory(
        {CODE: Gateway(CODE, CODE, public_key(KEY))},
        {METER: Device(1, METER, CODE, (Binding(ANYBODY, 7, None, None),))},
    )
    message = beat(KEY, NOW, 1)
    found = dict(message.properties)
    incoming = Incoming(message.topic, message.payload, found["kid"], found["sig"], found["mid"])
    (item,) = judge(incoming, known, rules, NOW).items
    assert isinstance(item, AcceptedReading)
    assert item.patient_id == 7
    assert beat(KEY, NOW, 2).payload != message.payload
