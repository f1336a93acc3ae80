"""For the ingest's storm: the servers that are killed and come back, and what must be true then.

Everything is the product's own, in processes of their own: a PostgreSQL, a broker, and two
`yikao ingest`, of which one is active and the other stands by. A fleet of gateways sends.
"""

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from signal import SIGKILL
from typing import Any

import psycopg
from background import begun
from county import county
from fix_database import DEADLINE_S
from ingest_fleet import Fleet, now
from psycopg.conninfo import make_conninfo
from roles import kill

from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.settings import BROKER_URL, DATABASE_URL
from yikao_ingest.store import LOCK

HOMES, CUFFS = 10, 5
INGESTS = 2
LOOK_S = 0.02
TAIL = 4_000
PORTS = range(20_000, 30_000)
"""Below those that the system gives to whoever connects: nobody takes the broker's while it is
dead, not even a gateway that by chance connects to itself."""

Victim = Callable[[int], None]
"""Is killed, the how-manieth time, and comes back."""


@dataclass(slots=True)
class Ingest:
    """One `yikao ingest`, known to the database by its name."""

    name: str
    process: "subprocess.Popen[bytes]"


@dataclass(slots=True)
class Ingests:
    """The active ingest and its standby: whoever is killed, another one is started."""

    dsn: str
    url: str
    folder: Path
    chance: random.Random
    running: list[Ingest] = field(default_factory=list)
    started: int = 0
    guard: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        self.started += 1
        name = f"ingest-{self.started}"
        environ = {DATABASE_URL: make_conninfo(self.dsn, application_name=name)}
        with (self.folder / "ingest.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "yikao_ingest", "ingest"],
                env={**os.environ, **environ, BROKER_URL: self.url},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        self.running.append(Ingest(name, process))

    def kill_one(self) -> None:
        """Kill either, and start another."""
        with self.guard:
            self.replace(self.chance.choice(self.running))

    def kill_both(self) -> None:
        """Kill them all, and start others."""
        with self.guard:
            for one in tuple(self.running):
                self.replace(one)

    def replace(self, one: Ingest) -> None:
        with self.guard:
            self.check()
            kill(one.process)
            self.running.remove(one)
            self.start()

    def check(self) -> None:
        """See that nobody has ended by itself."""
        assert all(one.process.poll() is None for one in self.running), self.said()

    def kill_all(self) -> None:
        while self.running:
            kill(self.running.pop().process)

    def said(self) -> str:
        """Return the last words of them all."""
        return (self.folder / "ingest.log").read_text("utf-8", "replace")[-TAIL:]


def kill_postgres(postgres: EmbeddedPostgres) -> None:
    """Kill the database and let it come back."""
    os.kill(postgres.pid, SIGKILL)
    while not postgres.ensure():
        pass


def kill_broker(broker: EmbeddedBroker, store: Path, *, forgets: bool) -> None:
    """Kill the broker and let it come back; what it had on the disk may be gone."""
    os.kill(broker.pid, SIGKILL)
    while broker.poll() is None:
        pass
    if forgets:
        store.unlink(missing_ok=True)
    broker.ensure()


class Storm:
    """Everything that runs, and what has to be true of it at the end."""

    def __init__(
        self,
        postgres: EmbeddedPostgres,
        broker: EmbeddedBroker,
        ingests: Ingests,
        fleet: Fleet,
        folder: Path,
        seed: int,
    ) -> None:
        self.postgres = postgres
        self.broker = broker
        self.ingests = ingests
        self.fleet = fleet
        self.over = threading.Event()
        self._folder = folder
        self._seed = seed

    def rages(self, kills: int, every_s: tuple[float, float], patience_s: float) -> None:
        """Kill each part so often, each at its own moments, whatever befell the others."""

        def strikes(name: str, victim: Victim) -> None:
            chance = random.Random(f"{self._seed} {name}")
            for number in range(kills):
                if self.over.wait(chance.uniform(*every_s)):
                    return
                victim(number)

        victims = {
            "ingest": lambda _: self.ingests.kill_one(),
            "broker": self._kill_broker,
            "postgres": lambda _: kill_postgres(self.postgres),
        }
        works = [begun(partial(strikes, name, victim)) for name, victim in victims.items()]
        try:
            self.until(lambda: all(work.done() for work in works), "all are killed", patience_s)
            for work in works:
                work.result()
        finally:
            # Whatever went wrong: nobody may still bring servers back while they are ended.
            self.over.set()
            wait(works, DEADLINE_S)

    def _kill_broker(self, number: int) -> None:
        """Kill the broker; every other time all ingests at the same moment, and then it forgets.

        Nobody but the gateways has then what was under way.
        """
        together = number % 2 == 0
        if together:
            self.ingests.kill_both()
        kill_broker(self.broker, self._folder / "broker" / "mosquitto.db", forgets=together)

    def without_database(self, seconds: float) -> None:
        """Have no database for so long, while homes go on to measure."""
        self.postgres.stop()
        self.waits(seconds)
        self.postgres.start()

    def waits(self, seconds: float) -> None:
        """Let so much time pass, and see that everybody lives."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end, "time passes", seconds + DEADLINE_S)

    def takes_over(self) -> float:
        """Kill the active ingest while the other stands by; return how long no receipt came.

        Seconds, from the kill to the first receipt after the other has become the active one.
        """
        active, standby = self._both()
        began_s = time.monotonic()
        self.ingests.replace(active)
        self.until(lambda: self.holders() == [(standby.name,)], "the standby takes over")
        before = self.fleet.stored()
        self.until(lambda: self.fleet.stored() > before, "a receipt comes")
        return time.monotonic() - began_s

    def _both(self) -> tuple[Ingest, Ingest]:
        """Return the ingest that has the lock, and the other once it stands by."""
        first, second = self.ingests.running
        connected = "SELECT count(DISTINCT application_name) FROM pg_stat_activity"
        names = [first.name, second.name]
        self.until(
            lambda: (
                self.rows(f"{connected} WHERE application_name = ANY(%s)", names) == [(2,)]
                and len(self.holders()) == 1
            ),
            "one is active and the other stands by",
        )
        active = first if self.holders() == [(first.name,)] else second
        return active, first if active is second else second

    def holders(self) -> list[tuple[str]]:
        """Return the names of those that are the active ingest: one at most."""
        return self.rows(
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND objid = %s AND objsubid = 1",
            LOCK,
        )

    def settles(self, patience_s: float) -> float:
        """Let homes measure no more and each reading be receipted; return how long that took."""
        began_s = time.monotonic()
        self.fleet.falls_silent()
        self.until(lambda: self.fleet.waiting() == 0, "each has its receipt", patience_s)
        return time.monotonic() - began_s

    def accounts(self) -> int:
        """Compare what was measured with what is stored; return how many readings that were."""
        made = {
            item.reading_id: (item.device, item.measured_at, item.systolic_mmhg)
            for item in self.fleet.readings()
        }
        assert self.fleet.stored() == len(made), "each has its receipt, and none was refused"
        ledger = self.rows("SELECT reading_id, outcome FROM ingest_ledger")
        assert len(ledger) == len(made), "none twice and none unknown in the ledger"
        assert dict(ledger) == dict.fromkeys(made, "stored"), "each in the ledger, as stored"
        stored = self.rows(
            "SELECT address, time, systolic_mmhg FROM reading JOIN device USING (device_id)"
        )
        assert len(stored) == len(made), "none lost and none twice"
        assert set(stored) == set(made.values()), "each as it was measured"
        for table in ("reading_conflict", "quarantine"):
            assert self.rows(f"SELECT count(*) FROM {table}") == [(0,)]
        return len(made)

    def rows(self, statement: str, *values: object) -> list[Any]:
        with psycopg.connect(self.ingests.dsn, connect_timeout=2) as conn:
            return conn.execute(statement.encode(), values or None).fetchall()

    def until(
        self, condition: Callable[[], bool], what: str, patience_s: float = DEADLINE_S
    ) -> None:
        """Wait for that, and see that neither the fleet nor an ingest ends by itself."""
        end = time.monotonic() + patience_s
        pause = threading.Event()
        while True:
            assert not self.fleet.ended.done(), self.fleet.ended.exception()
            if condition():
                return
            assert time.monotonic() < end, (
                f"not within {patience_s:g} s: {what}\n{self.ingests.said()}"
            )
            pause.wait(LOOK_S)


@contextmanager
def storm(folder: Path, seed: int, per_s: float) -> Iterator[Storm]:
    """Have everything that takes part for the block, and homes that measure."""
    chance = random.Random(seed)
    homes = county(HOMES, CUFFS)
    postgres = EmbeddedPostgres(folder / "pg")
    broker = EmbeddedBroker(folder / "broker", port=_free_port(chance))
    with ExitStack() as ending:
        ending.callback(postgres.stop)
        dsn = postgres.start()
        homes.settle(dsn, now())
        ending.callback(broker.stop)
        url = broker.start()
        ingests = Ingests(dsn, url, folder, chance)
        ending.callback(ingests.kill_all)
        for _ in range(INGESTS):
            ingests.start()
        fleet = Fleet(homes, url, per_s, random.Random(seed))
        ending.callback(fleet.close)
        weather = Storm(postgres, broker, ingests, fleet, folder, seed)
        weather.until(lambda: fleet.stored() > 0, "the first readings are stored")
        yield weather


def _free_port(chance: random.Random) -> int:
    for port in chance.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
