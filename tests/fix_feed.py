"""For the feed's tests: a town in a real database, a real feed before it, a real browser.

What stands in the tables was put there by the real evaluator from readings; only the registry and
the readings themselves are written here.
"""

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from psycopg.types.json import Jsonb

from yikao_alerts.feed.run import FeedServer
from yikao_alerts.feed.settings import FeedSettings
from yikao_alerts.rules import load_rules
from yikao_alerts.store import Linking
from yikao_ingest.evaluator import Evaluator
from yikao_ingest.partitions import months, partition

SECRET = b"a secret for page links in tests"
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BROWSER_TIMEOUT_MS = 30_000
HISTORY = timedelta(days=120)
PARTS = 6
"""Of the history, each shorter than a month, so that every month has a partition."""

REGISTRY = """
INSERT INTO team (team_id, name, zone) VALUES
    ('north', '城北团队', 'Asia/Shanghai'), ('south', '城南团队', 'Asia/Shanghai');
INSERT INTO doctor (doctor_id, team_id, name, language) VALUES
    ('wang', 'north', '王医生', 'zh'), ('li', 'north', '李医生', 'zh'),
    ('chen', 'south', '陈医生', 'en');
UPDATE team SET duty_doctor_id = CASE team_id WHEN 'north' THEN 'li' ELSE 'chen' END;
INSERT INTO contact (doctor_id, position, channel, address) VALUES
    ('wang', 0, 'console', 'wang-phone'), ('li', 0, 'console', 'li-phone'),
    ('chen', 0, 'console', 'chen-phone');
INSERT INTO gateway (gateway_id, tenant, public_key, online, seen_at, waiting, version)
    VALUES ('gw-1', 'demo', 'key', true, %(now)s, 0, '0.1.0');
"""
RESIDENT = """
WITH person AS (
    INSERT INTO resident (code, name, birth_year, sex, team_id, doctor_id)
    VALUES (%(code)s, %(name)s, %(birth_year)s, %(sex)s, %(team)s, %(doctor)s)
    RETURNING patient_id
), cuff AS (
    INSERT INTO device (address, model, gateway_id) VALUES (%(address)s, %(model)s, 'gw-1')
    RETURNING device_id
)
INSERT INTO device_binding (device_id, patient_id, valid)
SELECT device_id, patient_id, tstzrange(%(since)s, NULL) FROM person, cuff
"""
NOTED = """
WITH who AS (
    SELECT patient_id, device_id FROM resident JOIN device_binding USING (patient_id)
    WHERE code = %(code)s
), noted AS (
    INSERT INTO patient_latest (patient_id, kind, time, received_at)
    SELECT patient_id, %(kind)s, %(time)s, %(time)s FROM who
    ON CONFLICT (patient_id, kind) DO UPDATE
    SET time = greatest(patient_latest.time, EXCLUDED.time)
)
"""
"""Whose the device is, and that there is something newer of them."""
READING = (
    NOTED
    + """
INSERT INTO reading (patient_id, device_id, time, kind, systolic_mmhg, diastolic_mmhg, pulse_bpm,
    glucose_mmol_l, unit, meal, flags, doubt_s, hub_time, received_at)
SELECT patient_id, device_id, %(time)s, %(kind)s, %(systolic)s, %(diastolic)s, %(pulse)s,
    %(glucose)s, %(unit)s, %(meal)s, %(flags)s, 2, %(time)s, %(time)s FROM who
RETURNING patient_id
"""
)


ENTRY = """
INSERT INTO worklist_entry (patient_id, rule_id, severity, opened_day, opened_at, evidence)
SELECT patient_id, %(rule_id)s, %(severity)s, %(at)s::date, %(at)s, %(evidence)s
FROM resident WHERE code = %(code)s RETURNING entry_id
"""
LABEL = """
INSERT INTO label (patient_id, at, label, reasons, version)
SELECT patient_id, %(at)s, %(label)s, %(reasons)s, '0.2.0' FROM resident WHERE code = %(code)s
"""
DOUBT = """
INSERT INTO reading_doubt (patient_id, reading_key, measured_at, asked_at)
SELECT g.patient_id, g.kind || '/' || v.address || '/' || g.time, g.time, %(now)s
FROM reading g JOIN device v USING (device_id) JOIN resident r USING (patient_id)
WHERE r.code = %(code)s AND g.time = %(at)s AND g.kind = 'blood_pressure' RETURNING reading_key
"""
CONFLICT = """
INSERT INTO reading_conflict (reading_id, received_at, patient_id, time, device_id, kind, stored,
    arrived)
SELECT gen_random_uuid(), %(now)s, g.patient_id, g.time, g.device_id, g.kind, to_jsonb(g),
    to_jsonb(g) || %(other)s
FROM reading g JOIN resident r USING (patient_id)
WHERE r.code = %(code)s AND g.time = %(at)s AND g.kind = 'blood_pressure'
"""
CLOSED_DAY = """
INSERT INTO daily_progress (patient_id, through_day, closed_until)
SELECT patient_id, (%(now)s - interval '1 day')::date, %(now)s FROM resident
WHERE code = %(code)s
"""


def elsewhere(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end in a thread: the browser's loop holds the test's own."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


class Town:
    """A small registry and a hand on its devices. Minutes and days are counted back from now."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self.now = datetime.now(UTC)
        self.connection = psycopg.connect(database_url, autocommit=True)
        times = [self.now - HISTORY * share / PARTS for share in range(PARTS + 1)]
        for month in months(times):
            name, start, end = partition(month)
            self.run(
                f"CREATE TABLE {name} PARTITION OF reading_kept"
                f" FOR VALUES FROM ('{start}') TO ('{end}')"
            )
        self.run(REGISTRY)

    def run(self, statement: LiteralString | str, **values: object) -> list[Any]:
        """Execute; `now` is always at hand."""
        values = {"now": self.now, **values}
        with psycopg.ClientCursor(self.connection) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def resident(
        self, code: str, name: str, *, born: int = 1944, sex: str = "f", team: str = "north"
    ) -> None:
        """Register a resident with a device of their own."""
        self.run(
            RESIDENT,
            code=code,
            name=name,
            birth_year=born,
            sex=sex,
            team=team,
            doctor={"north": "wang", "south": "chen"}[team],
            address=f"00:00:00:00:00:{code[-2:]}",
            model="UA-651BLE",
            since=self.now - HISTORY,
        )

    def reads(
        self,
        code: str,
        systolic: float | None = None,
        diastolic: float | None = None,
        *,
        ago: timedelta,
        pulse: float | None = 92,
        glucose: float | None = None,
        flags: tuple[str, ...] = (),
        meal: str | None = None,
    ) -> None:
        """Store a reading as ingest would, and queue the resident."""
        pressure = systolic is not None
        rows = self.run(
            READING,
            code=code,
            time=self.now - ago,
            kind="blood_pressure" if pressure else "glucose",
            systolic=systolic,
            diastolic=diastolic,
            pulse=pulse if pressure else None,
            glucose=glucose,
            unit="mmHg" if pressure else "mmol/L",
            meal=meal,
            flags=list(flags),
        )
        self.run(
            "INSERT INTO eval_queue (patient_id, queued_at) VALUES (%(who)s, %(now)s)",
            who=rows[0][0],
        )

    def entry(
        self,
        code: str,
        rule_id: str,
        evidence: dict[str, Any],
        *,
        severity: str = "this_week",
        ago: timedelta = timedelta(days=1),
    ) -> int:
        """Put an entry on the worklist as the daily round would; return its number."""
        facts = {"code": code, "rule_id": rule_id, "severity": severity}
        rows = self.run(ENTRY, at=self.now - ago, evidence=Jsonb(evidence), **facts)
        return int(rows[0][0])

    def label(
        self, code: str, label: str, *reasons: dict[str, Any], ago: timedelta = timedelta(days=1)
    ) -> None:
        """Label a resident as the daily round would."""
        self.run(LABEL, code=code, label=label, reasons=Jsonb(reasons), at=self.now - ago)

    def doubt(self, code: str, ago: timedelta) -> str:
        """Ask whose the reading of that time is, as the evaluator would; return its key."""
        ((key,),) = self.run(DOUBT, code=code, at=self.now - ago)
        return str(key)

    def conflict(self, code: str, ago: timedelta, **other: object) -> None:
        """Store that another record came for the reading of that time."""
        self.run(CONFLICT, code=code, at=self.now - ago, other=Jsonb(other))

    def close_day(self, code: str) -> None:
        """Close yesterday for a resident, as the daily round would."""
        self.run(CLOSED_DAY, code=code)

    def evaluate(self) -> None:
        """Let the real evaluator look at everybody who waits."""
        elsewhere(self._evaluate())

    async def _evaluate(self) -> None:
        evaluator = Evaluator(load_rules(), Linking("http://127.0.0.1", SECRET))
        async with await psycopg.AsyncConnection.connect(
            self.database_url, autocommit=True
        ) as connection:
            while await evaluator.cycle(connection):
                pass

    def red(self, code: str, systolic: float = 186, diastolic: float = 112) -> int:
        """Let a resident measure twice what opens a red episode; return its number."""
        self.reads(code, systolic, diastolic, ago=timedelta(minutes=3))
        self.reads(code, systolic - 2, diastolic - 2, ago=timedelta(minutes=1))
        self.evaluate()
        return self.episode_of(code)

    def episode_of(self, code: str) -> int:
        """Return the number of a resident's newest episode."""
        ((number,),) = self.run(
            "SELECT max(episode_id) FROM episode JOIN resident USING (patient_id)"
            " WHERE code = %(code)s",
            code=code,
        )
        return int(number)

    def link_of(self, episode_id: int) -> str:
        """Return the path of the link in the episode's newest page."""
        ((link,),) = self.run(
            "SELECT link FROM page WHERE episode_id = %(id)s ORDER BY created_at DESC LIMIT 1",
            id=episode_id,
        )
        return str(link).removeprefix("http://127.0.0.1")

    def everything(self) -> list[Any]:
        """Return what an answer would change."""
        return self.run(
            "SELECT (SELECT array_agg(e::text ORDER BY episode_id) FROM episode e),"
            " (SELECT count(*) FROM episode_event),"
            " (SELECT array_agg(p.state ORDER BY page_id) FROM page p)"
        )


@pytest.fixture
def town(plain_schema_url: str) -> Iterator[Town]:
    """A database with the schema, two teams, and no resident yet."""
    town = Town(plain_schema_url)
    yield town
    town.connection.close()


@contextmanager
def serving(settings: FeedSettings) -> Iterator[str]:
    """Serve a feed from a thread until the end of the block; gives its address."""
    server = FeedServer(settings)
    thread = threading.Thread(target=server.serve_here)
    thread.start()
    try:
        httpx.get(server.url + "/healthz", timeout=BROWSER_TIMEOUT_MS / 1000)
        yield server.url
    finally:
        server.stop()
        thread.join()


@pytest.fixture
def feed_url(town: Town) -> Iterator[str]:
    """The address of a feed over the town."""
    with serving(FeedSettings(town.database_url, SECRET, port=0)) as url:
        yield url


@pytest.fixture
def feed_with_users(town: Town, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serve a feed with a users file; call it with the file's text for the address."""
    with ExitStack() as stack:

        def start(text: str) -> str:
            path = tmp_path / "users"
            path.write_text(text, "utf-8")
            settings = FeedSettings(town.database_url, SECRET, port=0, users_file=path)
            return stack.enter_context(serving(settings))

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium for one file of tests: while it is open its loop runs in this thread, and
    no test could call `asyncio.run`.
    """
    # Not above: pytest wants to rewrite each plugin itself before anybody imports it.
    from fix_servers import require

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    require(path is not None, "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, feed_url: str) -> Iterator[Callable[..., BrowserContext]]:
    """Make a browser window: `visit(width=360)`; relative addresses go to the feed."""
    contexts: list[BrowserContext] = []

    def make(width: int = 1280, height: int = 800, **options: Any) -> BrowserContext:
        context = browser.new_context(
            base_url=feed_url, viewport={"width": width, "height": height}, **options
        )
        context.set_default_timeout(BROWSER_TIMEOUT_MS)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
