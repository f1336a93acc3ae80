"""No clinical value, name, phone number or page link in a log line, whatever happens.

Marked values go through ingest, evaluator and pager, well and badly; then the logs are searched.
"""

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clinic import glucose, pressure, refused, symptoms
from fix_database import DEADLINE_S, Clinic
from fix_watch import FEED, SECRET, Watch
from ingest_parts import home_at

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Outcome
from yikao_alerts.channels.webhook import Webhook
from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_alerts.pager import Pager
from yikao_alerts.working import connect
from yikao_devices.log_lines import JsonLines
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.settings import (
    BROKER_URL,
    DATABASE_URL,
    PUBLIC_URL,
    READY_FILE,
    WEBHOOK_SECRET_FILE,
)

SYSTOLIC, DIASTOLIC, PULSE = 213.25, 127.75, 93.625
GLUCOSE = 2.71875
PHONE = "13800138042"
ADDRESS = f"http://127.0.0.1:9/{PHONE}"
SYMPTOM = "chest_pain_or_tightness"
CODE = "canarycode"
FORBIDDEN = (
    *map(str, (SYSTOLIC, DIASTOLIC, PULSE, GLUCOSE)),
    *("赵奶奶", "钱爷爷", "王医生", "李医生", "zhao", PHONE, SYMPTOM, CODE),
    *(f"{FEED}/p/", "/p/"),
)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that anybody logs, at any level, as the server would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def assert_nothing_told(text: str) -> None:
    told = [word for word in FORBIDDEN if word in text]
    assert told == [], [line for line in text.splitlines() if any(word in line for word in told)]


def test_nothing_private_is_logged_on_the_way(watch: Watch, lines: io.StringIO) -> None:
    watch.clinic.register(contacts=[("webhook", ADDRESS)], duty_contacts=[("webhook", ADDRESS)])
    watch.measures(SYSTOLIC, DIASTOLIC, pulse_bpm=PULSE)
    watch.pricks(GLUCOSE)
    watch.reports(SYMPTOM)
    watch.decides()
    assert watch.pages()
    ring(watch, Pager({"webhook": Webhook(SECRET)}, now=watch.clock))
    assert '"outcome": "Retryable"' in lines.getvalue()
    assert "page handed over" in lines.getvalue()
    assert_nothing_told(lines.getvalue())


def test_nothing_private_is_logged_when_all_goes_wrong(watch: Watch, lines: io.StringIO) -> None:
    class Broken:
        async def send(self, page: OutgoingPage) -> Outcome:
            raise RuntimeError(f"cannot reach {page.address} about {page.body} {page.link}")

    watch.clinic.register(contacts=[("webhook", ADDRESS)])
    broken = watch.clinic.first.send(
        refused(f"canary {CODE}"),
        pressure(SYSTOLIC, DIASTOLIC, pulse_bpm=PULSE, at=watch.now + timedelta(days=1)),
        b'{"kind":"%s"}' % CODE.encode(),
    )
    watch.intake.receives(broken, now=watch.now)
    watch.measures(SYSTOLIC, DIASTOLIC, pulse_bpm=PULSE)
    watch.decides()
    ring(watch, Pager({"webhook": Broken()}, now=watch.clock))
    watch.until(60)
    watch.measures(SYSTOLIC + 1, DIASTOLIC, pulse_bpm=PULSE)
    watch.clinic.rows(f"UPDATE reading SET unit = '{CODE}'")
    watch.decides()
    assert "resident set aside" in lines.getvalue()
    assert "channel failed" in lines.getvalue()
    assert_nothing_told(lines.getvalue())


def ring(watch: Watch, pager: Pager) -> None:
    """Let the pager try once what is due."""

    async def cycle() -> None:
        async with await connect(watch.clinic.dsn) as connection:
            await pager.cycle(connection)
            await pager.finish()

    asyncio.run(cycle())


def test_nothing_private_is_logged_by_the_processes_themselves(
    plain_clinic: Clinic, short_tmp: Path
) -> None:
    """`yikao ingest`, `evaluate` and `pager` as they run in production, at their own level."""
    plain_clinic.register(contacts=[("webhook", ADDRESS)], duty_contacts=[("webhook", ADDRESS)])
    broker = EmbeddedBroker(short_tmp / "broker")
    url, secret = broker.start(), short_tmp / "secret"
    secret.write_bytes(SECRET)
    settings = {
        DATABASE_URL: plain_clinic.dsn,
        BROKER_URL: url,
        PUBLIC_URL: FEED,
        LINK_SECRET_FILE: str(secret),
        WEBHOOK_SECRET_FILE: str(secret),
    }
    roles = ("ingest", "evaluate", "pager")
    children = [start(role, settings, short_tmp) for role in roles]
    try:
        now = datetime.now(UTC)
        high = pressure(SYSTOLIC, DIASTOLIC, pulse_bpm=PULSE, at=now)
        low = glucose(GLUCOSE, at=now)
        with home_at(url, plain_clinic.first) as home:
            home.deliver([high, low, symptoms(SYMPTOM, at=now), pressure(900, 10, at=now)])
            home.publish(home.signer.sign(CODE.encode(), "reading/glucose"))
            home.until(lambda: bool(home.refused))
        plain_clinic.until(lambda: plain_clinic.rows("SELECT 1 FROM page_attempt LIMIT 1"))
    finally:
        for child in children:
            child.terminate()
        codes = [child.wait(DEADLINE_S) for child in children]
        broker.stop()
    text = "".join((short_tmp / f"{role}.log").read_text("utf-8") for role in roles)
    assert codes == [0, 0, 0], text
    assert all(json.loads(line)["msg"] for line in text.splitlines())
    for words in ("batch stored", "episode changed", "page handed over"):
        assert words in text
    assert_nothing_told(text)


def start(role: str, settings: dict[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / f"{role}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "yikao_ingest", role],
            env={**os.environ, **settings, READY_FILE: str(folder / f"{role}.ready")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )


CRASH = f"""
import threading
from yikao_ingest.logs import set_up_logs
set_up_logs()
def fall():
    raise ValueError("{CODE}")
thread = threading.Thread(target=fall)
thread.start()
thread.join()
fall()
"""


def test_what_ends_a_process_is_logged_without_its_words() -> None:
    done = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, timeout=DEADLINE_S)
    lines = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert done.returncode == 1
    assert [(line["level"], line["msg"], line["error"]) for line in lines] == [
        ("critical", "crashed", "ValueError")
    ] * 2
    assert all(line["at"] for line in lines)
    assert CODE not in done.stderr.decode()


def test_a_line_has_its_facts_as_fields() -> None:
    record = logging.makeLogRecord(
        {"name": "yikao.x", "levelname": "INFO", "msg": "reading stored", "created": 0.25}
        | {"msecs": 250.0, "messages": 3, "kind": "血压"}
    )
    assert json.loads(JsonLines().format(record)) == {
        "t": "1970-01-01T00:00:00.250Z",
        "level": "info",
        "log": "yikao.x",
        "msg": "reading stored",
        "messages": 3,
        "kind": "血压",
    }
