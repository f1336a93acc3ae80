"""For the pager's storm: providers that fail in every way they can, and alerts that go on coming.

The providers note each message they took, when, and what it said; a message they took may go
unanswered, as when a line breaks. Whoever looks afterwards knows what a doctor has seen.
"""

import asyncio
import json
import random
import re
import socket
import struct
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import psycopg

from yikao_alerts.answer import Disposition, acknowledge
from yikao_alerts.deliberate import page_id
from yikao_alerts.store import LOCK_CLASS
from yikao_alerts.working import connect
from yikao_devices.story_clock import Clock

FAULTS = ("500", "429", "200 and an error", "taken, then reset", "slow")
FAULTY = 0.3
SLOW_S = 1.5
DOCTORS, RESIDENTS = 60, 180
AGAIN_S = 6.0
"""So long after a page an episode that nobody answers calls again."""
NUMBERS = re.compile(r"#(\d+)")

PEOPLE = """
INSERT INTO team VALUES ('t', 'team', 'Asia/Shanghai');
INSERT INTO doctor SELECT 'd' || n, 't', 'doctor', 'zh' FROM generate_series(0, {doctors}) n;
UPDATE team SET duty_doctor_id = 'd0';
INSERT INTO contact
SELECT 'd' || n, k, (ARRAY['webhook', 'bark'])[1 + (n + k) % 2], '{url}/d' || n
FROM generate_series(0, {doctors}) n, generate_series(0, 1) k;
INSERT INTO resident (code, name, team_id, doctor_id)
SELECT 'r' || n, 'resident', 't', 'd' || n % {doctors} FROM generate_series(1, {residents}) n
"""
EPISODE = """
INSERT INTO episode (patient_id, family, state, rule_id, severity, level, confirmed, measured_at,
                     opened_at, level_since, round, last_evidence_at)
VALUES (%(patient)s, %(family)s, 'open', 'BP-03', 'page_now', 2, 'confirmed', %(now)s, %(now)s,
        %(now)s, 1, %(now)s)
RETURNING episode_id
"""
PAGE = """
INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position, channel,
                  address, language, body, link, created_at, due_at)
SELECT %(page)s, episode_id, 1, 0, %(loop)s, doctor_id, 0, channel, contact.address, 'zh',
       'needed #' || episode_id, 'http://127.0.0.1/p/x', %(now)s, %(now)s
FROM episode JOIN resident USING (patient_id) JOIN contact USING (doctor_id)
WHERE episode_id = %(episode)s AND state = 'open' AND position = 0
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that a provider took: at what real second, and which episodes it named."""

    at_s: float
    named: frozenset[int]


class Providers(ThreadingHTTPServer):
    """A webhook's receiver and a Bark server, both at one address."""

    daemon_threads = True

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.random = random.Random(seed)
        self.faulty = FAULTY
        self.taken: dict[tuple[str, UUID], list[Taken]] = defaultdict(list)
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault(self) -> str | None:
        with self.guard:
            chance = self.random.random() < self.faulty
            return self.random.choice(FAULTS) if chance else None

    def take(self, kind: str, number: UUID, text: str) -> None:
        named = frozenset(int(found) for found in NUMBERS.findall(text))
        with self.guard:
            self.taken[kind, number].append(Taken(time.time(), named))

    def handle_error(self, *_: object) -> None:
        """Say nothing of a pager that was killed before it had read the answer."""


class _Handler(BaseHTTPRequestHandler):
    server: Providers
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the name http.server calls
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.server.fault()
        if fault in ("500", "429"):
            self.answer(int(fault), {}, retry_after=fault == "429")
            return
        bark = self.path == "/push"
        if fault != "200 and an error":
            number = UUID(message["id" if bark else "page_id"])
            text = message["body" if bark else "text"]
            self.server.take("bark" if bark else "webhook", number, text)
        if fault == "taken, then reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
            return
        if fault == "slow":
            threading.Event().wait(SLOW_S)
        refused = fault == "200 and an error"
        good = {"code": 200} if bark else {"accepted": True, "id": message.get("page_id")}
        self.answer(200, {"code": 40001, "errcode": 40001} if refused else good)

    def answer(self, status: int, fields: dict[str, object], *, retry_after: bool = False) -> None:
        content = json.dumps(fields).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if retry_after:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the terminal quiet."""


@dataclass(slots=True)
class Alerts:
    """Opens episodes, calls again, and answers, as evaluator and doctors do, for ever anew.

    What was committed is in `pages`; where a commit's word was lost, the database knows.
    """

    dsn: str
    clock: Clock
    random: random.Random
    open: dict[int, float] = field(default_factory=dict)
    loops: dict[int, int] = field(default_factory=dict)
    pages: set[UUID] = field(default_factory=set)
    opened: int = 0

    def one(self) -> None:
        """Do one thing; when the database is away nothing has happened, or nobody knows."""
        try:
            with psycopg.connect(self.dsn, connect_timeout=2, autocommit=True) as conn:
                overdue = [e for e, at in self.open.items() if at + AGAIN_S < time.time()]
                if overdue:
                    self.call(conn, overdue[0])
                elif self.open and self.random.random() < 0.35:
                    self.answer(self.random.choice(list(self.open)))
                else:
                    self.begin(conn)
        except psycopg.OperationalError:
            pass

    def begin(self, conn: psycopg.Connection) -> None:
        now = self.clock.at(time.time())
        self.opened += 1
        values = {"patient": 1 + self.opened % RESIDENTS, "family": f"f{self.opened}", "now": now}
        with conn.transaction():
            row = conn.execute(EPISODE, values).fetchone()
            assert row is not None, "an insert returns its row"
            page = self._page(conn, row[0], 0)
        self.open[row[0]], self.loops[row[0]] = time.time(), 0
        self.pages.add(page)

    def call(self, conn: psycopg.Connection, episode: int) -> None:
        self.open[episode] = time.time()
        self.loops[episode] += 1
        with conn.transaction():
            conn.execute(
                "SELECT pg_advisory_xact_lock(%s, patient_id) FROM episode WHERE episode_id = %s",
                (LOCK_CLASS, episode),
            )
            page = self._page(conn, episode, self.loops[episode])
        self.pages.add(page)

    def _page(self, conn: psycopg.Connection, episode: int, loop: int) -> UUID:
        page = page_id(episode, 1, (0, loop), "d", 0)
        now = self.clock.at(time.time())
        values = {"page": page, "episode": episode, "loop": loop, "now": now}
        conn.execute(PAGE, values)
        return page

    def answer(self, episode: int) -> None:
        asyncio.run(self._answer(episode))
        del self.open[episode]

    async def _answer(self, episode: int) -> None:
        async with await connect(self.dsn) as conn:
            await acknowledge(
                conn,
                now=self.clock.at(time.time()),
                episode_id=episode,
                doctor_id="d1",
                disposition=Disposition.CALLED,
            )
