"""How late calls are, and from a committed reading to a phone: evaluator and pager as processes.

The provider is a small server that accepts everything; each resident has a doctor with a telephone.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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
INSERT INTO contact
SELECT 'd' || n, 0, 'webhook', '{url}/d' || n FROM generate_series(0, {count}) n;
INSERT INTO gateway (gateway_id, tenant, public_key) VALUES ('g', 'bench', 'key');
INSERT INTO resident (code, name, birth_year, sex, team_id, doctor_id)
SELECT 'r' || n, 'resident', 1950, 'f', 't', 'd' || n FROM generate_series(1, {count}) n;
INSERT INTO device (address, gateway_id)
SELECT 'C4:1D:00:00:' || lpad(patient_id::text, 6, '0'), 'g' FROM resident ORDER BY patient_id
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
INSERT INTO reading (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg, pulse_bpm,
                     unit, flags, doubt_s, hub_time, received_at)
SELECT p, %(now)s - interval '90 s' * (1 - n), p, 'blood_pressure',
       CASE WHEN p = ANY(%(ill)s) THEN 190 ELSE 124 END,
       CASE WHEN p = ANY(%(ill)s) THEN 114 ELSE 78 END, 70, 'mmHg', '{}', 1, %(now)s, %(now)s
FROM unnest(%(patients)s::integer[]) p, generate_series(0, 1) n
"""
QUEUE = """
INSERT INTO eval_queue (patient_id, queued_at) SELECT unnest(%(patients)s::integer[]), %(now)s
"""
HOPS = """
SELECT extract(epoch FROM p.sent_at - r.received_at)
FROM page p JOIN episode e USING (episode_id)
JOIN LATERAL (SELECT max(received_at) AS received_at FROM reading
              WHERE reading.patient_id = e.patient_id) r ON true
WHERE p.step = 0 AND p.sent_at IS NOT NULL
"""


LISTENING = """
SELECT DISTINCT query FROM pg_stat_activity
WHERE query IN ('LISTEN yikao_page', 'LISTEN yikao_eval') AND datname = current_database()
"""


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the name http.server calls
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"accepted": True, "id": message["page_id"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep the terminal quiet."""


@contextmanager
def running(dsn: str, folder: Path, count: int) -> Iterator[None]:
    """Have people, a provider, an evaluator and a pager for the block."""
    migrate(dsn, datetime.now(UTC))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with psycopg.connect(dsn, autocommit=True) as conn:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        conn.execute(PEOPLE.format(count=count, url=url).encode())
        for month in sorted(months((datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC)))):
            name, start, end = partition(month)
            conn.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF reading"
                f" FOR VALUES FROM ('{start}') TO ('{end}')".encode()
            )
        conn.execute("VACUUM ANALYZE")
    secret = folder / "secret.key"
    secret.write_bytes(b"a secret of thirty-two bytes in all")
    files = {LINK_SECRET_FILE: str(secret), WEBHOOK_SECRET_FILE: str(secret)}
    with ExitStack() as ending:
        ending.callback(server.server_close)
        ending.callback(server.shutdown)
        for role in ("evaluate", "pager"):
            child = subprocess.Popen(
                [sys.executable, "-m", "yikao_ingest", role],
                env={**os.environ, DATABASE_URL: dsn, **files},
                stderr=subprocess.DEVNULL,
            )
            ending.callback(child.wait)
            ending.callback(child.terminate)
        with psycopg.connect(dsn, autocommit=True) as conn:
            while len(conn.execute(LISTENING).fetchall()) < 2:
                time.sleep(0.1)
        yield


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
    yield from _shares(what, lags, (1.0, 1.0))


def reading_to_phone(dsn: str, folder: Path) -> Iterator[Figure]:
    """Yield the time from a committed reading to the provider's acceptance."""
    residents = int(READINGS_PER_S * WATCHED_S / 2)
    with running(dsn, folder, residents):
        with psycopg.connect(dsn, autocommit=True) as conn:
            _measure(conn, residents)
        time.sleep(LAST_S)
        with psycopg.connect(dsn) as conn:
            waits = [float(row[0]) for row in conn.execute(HOPS)]
    what = f"reading to phone at {READINGS_PER_S} readings/s and {PAGES_PER_S} pages/s"
    yield from _shares(what, waits, (0.3, 2.0))


def _measure(conn: psycopg.Connection, residents: int) -> None:
    """Let every resident measure twice, evenly spread; one in so many has a crisis."""
    each_s = 0.1
    batch = int(READINGS_PER_S * each_s / 2)
    ill = int(PAGES_PER_S * each_s)
    begin = time.monotonic()
    for number, first in enumerate(range(1, residents + 1, batch)):
        time.sleep(max(0.0, begin + number * each_s - time.monotonic()))
        patients = list(range(first, min(first + batch, residents + 1)))
        values = {"patients": patients, "ill": patients[:ill], "now": datetime.now(UTC)}
        with conn.transaction():
            conn.execute(READ, values)
            conn.execute(QUEUE, values)
            conn.execute("SELECT pg_notify('yikao_eval', '')")


def _shares(what: str, values: list[float], bars_s: tuple[float, float]) -> Iterator[Figure]:
    cuts = statistics.quantiles(values, n=100)
    for share, value_s, bar_s in (("p50", cuts[49], bars_s[0]), ("p99", cuts[98], bars_s[1])):
        beside = f"n = {len(values)}, to be at most"
        yield Figure(f"{what}, {share}", value_s * 1000, "ms", beside, bar_s * 1000)
