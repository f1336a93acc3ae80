"""How late calls are, and from a committed reading to a phone: evaluator and pager as processes.

The provider is a small server that accepts everything; each resident has a doctor with a telephone.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
from table import Figure

from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_ingest.migrate import migrate
from yikao_ingest.partitions import months, partition
from yikao_ingest.settings import DATABASE_URL, WEBHOOK_SECRET_FILE

OPEN = 10_000
"""Episodes that nobody answers. A fifth calls again within two minutes, which is as many calls a
second as all of them make at ten minutes apart."""
WATCHED_S = 20.0
READINGS_PER_S, PAGES_PER_S = 1_000, 10
WARM_UP_S = 3.0
LAST_S = 5.0
"""What became due at the end is given so long."""

PEOPLE = """
INSERT INTO team VALUES ('t', 'team', 'Asia/Shanghai');
INSERT INTO doctor SELECT 'd' || n, 't', 'doctor', 'zh' FROM generate_series(0, {count}) n;
UPDATE team SET duty_doctor_id = 'd0';
INSERT INTO gateway (gateway_id, tenant, public_key) VALUES ('g', 'bench', 'key');
INSERT INTO resident (code, name, birth_year, sex, team_id, doctor_id)
SELECT 'r' || n, 'resident', 1950, 'f', 't', 'd' || n FROM generate_series(1, {count}) n;
INSERT INTO device (address, gateway_id)
SELECT 'C4:1D:00:00:' || lpad(patient_id::text, 6, '0'), 'g' FROM resident ORDER BY patient_id
"""
CONTACTS = """
INSERT INTO contact
SELECT 'd' || n, %(position)s, 'webhook', %(url)s || '/d' || n
FROM generate_series(0, %(count)s::integer) n
"""
CALLING = """
WITH new AS (
    INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed,
        measured_at, opened_at, level_since, round, last_evidence_at)
    SELECT patient_id, 'bp_high', 'open', 'BP-03', 'page_now', 2, 'confirmed', at, at, at, 1, at
    FROM resident, LATERAL (
        SELECT %(now)s - interval '120 s' * patient_id / %(count)s AS at) AS began
    RETURNING episode_id, patient_id, level_since
), called AS (
    INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position, channel,
        address, language, body, link, created_at, due_at, state, sent_at)
    SELECT gen_random_uuid(), episode_id, 1, 0, 0, 'd' || patient_id, 0, 'webhook', 'there', 'zh',
        'body', 'link', level_since, level_since, 'sent', level_since
    FROM new
)
INSERT INTO eval_timer (patient_id, due_at)
SELECT patient_id, level_since + CASE WHEN patient_id %% 5 = 0 THEN interval '120 s'
                                     ELSE interval '1 hour' END FROM new
"""
LAGS = """
SELECT extract(epoch FROM p.sent_at - e.level_since) - 120
FROM page p JOIN episode e USING (episode_id)
WHERE p.step = 1 AND p.sent_at IS NOT NULL AND e.level_since + interval '120 s' > %(since)s
"""
READ = """
INSERT INTO reading_kept (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,
                          pulse_bpm, unit, flags, doubt_s, hub_time, received_at)
SELECT p, %(now)s - interval '90 s' * (1 - n), p, 'blood_pressure',
       CASE WHEN p = ANY(%(ill)s) THEN 190 ELSE 124 END,
       CASE WHEN p = ANY(%(ill)s) THEN 114 ELSE 78 END, 70, 'mmHg', '{}', 1, %(now)s, %(now)s
FROM unnest(%(patients)s::integer[]) p, generate_series(0, 1) n
"""
QUEUE = """
INSERT INTO eval_queue (patient_id, queued_at) SELECT unnest(%(patients)s::integer[]), %(now)s
"""
HOPS = """
SELECT extract(epoch FROM min(p.sent_at) - max(r.received_at))
FROM page p JOIN episode e USING (episode_id)
JOIN LATERAL (SELECT max(received_at) AS received_at FROM reading
              WHERE reading.patient_id = e.patient_id) r ON true
GROUP BY episode_id
"""
"""To the first contact who was reached; null for an episode of which nobody was."""


LISTENING = """
SELECT DISTINCT query FROM pg_stat_activity
WHERE query IN ('LISTEN yikao_page', 'LISTEN yikao_eval') AND datname = current_database()
"""


FAULTS = ("refuses", "hangs", "errors", "500", "429")
"""What a provider can do to everything that it is asked, until it is well again."""
HANGS_S = 30.0
STATUS = {"500": 500, "429": 429}


class Provider(ThreadingHTTPServer):
    """Takes every message, unless it has a `fault`."""

    daemon_threads = True
    fault: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        request, address = super().get_request()
        if self.fault == "refuses":
            request.close()
            raise OSError("refused")
        return request, address

    def handle_error(self, *_: object) -> None:
        """Say nothing of a pager that was killed before it had read the answer."""


class _Taker(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the name http.server calls
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.server.fault
        if fault == "hangs":
            time.sleep(HANGS_S)
        if fault == "refuses":
            self.close_connection = True
            return
        taken = {"accepted": True, "id": message["page_id"]} if fault is None else {"errcode": 1}
        answer = json.dumps(taken).encode()
        self.send_response(STATUS.get(fault or "", 200))
        if fault == "429":
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep the terminal quiet."""


class Role:
    """A process of the server: `yikao evaluate` or `yikao pager`."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-m", "yikao_ingest", name]
        self._environ = {**os.environ, **environ}
        self.start()

    def start(self) -> None:
        self._child = subprocess.Popen(self._command, env=self._environ, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """Kill it with -9, and start it again, as whoever keeps it running would."""
        self._child.kill()
        self._child.wait()
        self.start()

    def stop(self) -> None:
        self._child.terminate()
        self._child.wait()


@dataclass(frozen=True, slots=True)
class Live:
    """What runs: the providers of first and further contacts, and the roles by name."""

    providers: Sequence[Provider]
    roles: Mapping[str, Role]


@contextmanager
def running(dsn: str, folder: Path, count: int, contacts: int = 1) -> Iterator[Live]:
    """Have people with so many contacts each, providers, an evaluator and a pager for the block."""
    migrate(dsn, datetime.now(UTC))
    secret = folder / "secret.key"
    secret.write_bytes(b"a secret of thirty-two bytes in all")
    files = {LINK_SECRET_FILE: str(secret), WEBHOOK_SECRET_FILE: str(secret)}
    with ExitStack() as ending:
        providers = [Provider() for _ in range(contacts)]
        for provider in providers:
            ending.callback(provider.server_close)
            ending.callback(provider.shutdown)
        _people(dsn, count, providers)
        roles = {name: Role(name, files | {DATABASE_URL: dsn}) for name in ("evaluate", "pager")}
        for role in roles.values():
            ending.callback(role.stop)
        with psycopg.connect(dsn, autocommit=True) as conn:
            while len(conn.execute(LISTENING).fetchall()) < len(roles):
                time.sleep(0.1)
        yield Live(providers, roles)


def _people(dsn: str, count: int, providers: Sequence[Provider]) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(PEOPLE.format(count=count).encode())
        for position, provider in enumerate(providers):
            where = {"position": position, "url": provider.url, "count": count}
            conn.execute(CONTACTS, where)
        for month in sorted(months((datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC)))):
            name, start, end = partition(month)
            conn.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF reading_kept"
                f" FOR VALUES FROM ('{start}') TO ('{end}')".encode()
            )
        conn.execute("VACUUM ANALYZE")


def timers(dsn: str, folder: Path) -> Iterator[Figure]:
    """Yield how late a call is that is due, with so many episodes open."""
    with running(dsn, folder, OPEN):
        began = datetime.now(UTC)
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(CALLING, {"now": began, "count": OPEN})
            conn.execute("VACUUM ANALYZE page, episode, eval_timer")
        time.sleep(WARM_UP_S)
        since = datetime.now(UTC)
        time.sleep(WATCHED_S + LAST_S)
        with psycopg.connect(dsn) as conn:
            lags = [float(row[0]) for row in conn.execute(LAGS, {"since": since})]
    what = f"a due call with {OPEN} episodes open, taken by the provider"
    yield from shares(what, lags, (1.0, 1.0))


def reading_to_phone(dsn: str, folder: Path) -> Iterator[Figure]:
    """Yield the time from a committed reading to the provider's acceptance."""
    residents = int(READINGS_PER_S * WATCHED_S / 2)
    with running(dsn, folder, residents):
        measure(dsn, residents)
        time.sleep(LAST_S)
        with psycopg.connect(dsn) as conn:
            waits = [float(row[0]) for row in conn.execute(HOPS)]
    what = f"reading to phone at {READINGS_PER_S} readings/s and {PAGES_PER_S} pages/s"
    yield from shares(what, waits, (0.3, 2.0))


def measure(
    dsn: str, residents: int, at_s: Mapping[float, Callable[[], None]] | None = None
) -> None:
    """Let every resident measure twice, evenly spread; one in so many has a crisis.

    at_s: what happens meanwhile, so many seconds after the beginning. While the database is away
    nobody's reading is committed; it is when it is back.
    """
    each_s = 0.1
    batch = int(READINGS_PER_S * each_s / 2)
    ill = int(PAGES_PER_S * each_s)
    waiting = sorted((at_s or {}).items())
    begin = time.monotonic()
    for number, first in enumerate(range(1, residents + 1, batch)):
        time.sleep(max(0.0, begin + number * each_s - time.monotonic()))
        while waiting and waiting[0][0] <= number * each_s:
            waiting.pop(0)[1]()
        patients = list(range(first, min(first + batch, residents + 1)))
        while not _read(dsn, patients, ill):
            time.sleep(each_s)


def _read(dsn: str, patients: list[int], ill: int) -> bool:
    """Commit a reading of each, and have them looked at; False where the database was away."""
    try:
        with psycopg.connect(dsn, connect_timeout=2) as conn:
            values = {"patients": patients, "ill": patients[:ill], "now": datetime.now(UTC)}
            conn.execute(READ, values)
            conn.execute(QUEUE, values)
            conn.execute("SELECT pg_notify('yikao_eval', '')")
    except psycopg.OperationalError:
        return False
    return True


def shares(what: str, values: list[float], bars_s: tuple[float, float]) -> Iterator[Figure]:
    cuts = statistics.quantiles(values, n=100)
    for share, value_s, bar_s in (("p50", cuts[49], bars_s[0]), ("p99", cuts[98], bars_s[1])):
        beside = f"n = {len(values)}, to be at most"
        yield Figure(f"{what}, {share}", value_s * 1000, "ms", beside, bar_s * 1000)
