"""Thousands of messages that cannot be used, through a real broker into a real `yikao ingest`: it
goes on, each is in quarantine once with its reason, and other homes' readings are stored as ever.
`make torture` sends fifty thousand of them.
"""

import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest
from background import begun
from clinic import Signer
from county import County, county
from fix_database import DEADLINE_S, Clinic
from fix_servers import require
from ingest_parts import Home, IngestChild
from paho.mqtt.client import Client, MQTTMessage
from poisoner import Poison, Poisoner, ids

from yikao_devices import wire
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.broker_engines import Engine, Listener, mosquitto
from yikao_ingest.reasons import Reason

HOMES, CUFFS = 5, 2
"""The first is the poisoner's, the others send what is good."""
TALK_EVERY = 20
TICK_S = 0.01


@dataclass(frozen=True, slots=True)
class Size:
    """How many messages of poison, how many a second, and for how long there is none before."""

    poison: int
    per_s: float
    good_per_s: float
    before_s: float
    patience_s: float


SHORT = Size(1_500, 250, 50, 2.0, DEADLINE_S)
TORTURE = Size(50_000, 250, 100, 30.0, 600.0)


class TimedHome(Home):
    """A home that knows how long each of its readings waited for its receipt."""

    def __init__(self, url: str, signer: Signer) -> None:
        self.sent_s: dict[UUID, float] = {}
        self.came_s: dict[UUID, float] = {}
        super().__init__(url, signer)

    def measures(self, item: wire.Item) -> None:
        self.sent_s[item.reading_id] = time.monotonic()
        self.send(item)

    def waits_ms(self, known: Iterable[UUID]) -> list[float]:
        """Return the milliseconds from sending to receipt of those of `known` that it sent."""
        own = self.sent_s.keys() & set(known)
        return [1000 * (self.came_s[each] - self.sent_s[each]) for each in own]

    def _on_message(self, client: Client, data: object, message: MQTTMessage) -> None:
        for known in wire.decode_receipt(message.payload).stored:
            self.came_s.setdefault(known, time.monotonic())
        super()._on_message(client, data, message)


@pytest.fixture
def size(torture: bool) -> Size:
    return TORTURE if torture else SHORT


@pytest.fixture
def homes() -> County:
    return county(HOMES, CUFFS)


@pytest.fixture
def clinic(plain_schema_url: str, homes: County) -> Iterator[Clinic]:
    """A database that knows these homes."""
    homes.settle(plain_schema_url, now())
    clinic = Clinic(plain_schema_url)
    yield clinic
    clinic.connection.close()


@pytest.fixture
def url(short_tmp: Path) -> Iterator[str]:
    """A broker that lets messages of any length through."""
    engine = mosquitto()
    require(engine is not None, "mosquitto")
    assert engine is not None
    broker = EmbeddedBroker(short_tmp / "broker", engine=boundless(engine))
    yield broker.start()
    broker.stop()


def test_poison_stops_nobody_and_is_kept_with_its_reason(
    clinic: Clinic, homes: County, url: str, short_tmp: Path, size: Size
) -> None:
    # From pytest-randomly's own seed, which repeats it all.
    seed = random.randrange(10**6)
    sys.stdout.write(f"seed {seed}\n")
    child = IngestChild(clinic.dsn, url, short_tmp / "ingest")
    with ExitStack() as ending:
        ending.callback(child.kill)
        clinic.until(child.ready.exists)
        bad = ending.enter_context(closing(Home(url, homes.signers[0])))
        good = [ending.enter_context(closing(TimedHome(url, s))) for s in homes.signers[1:]]
        own, other = ((homes.signers[n], homes.cuff(n, 0)) for n in range(2))
        poisoner = Poisoner(random.Random(seed), now(), own, other)
        poisons = list(poisoner.poison(size.poison))
        with measuring(homes, good, size) as before:
            threading.Event().wait(size.before_s)
        with measuring(homes, good, size) as beside:
            spray(bad, poisons, poisoner, size.per_s)
        found = "SELECT count(*) FROM quarantine"
        clinic.until(lambda: clinic.one(found) >= len(poisons), size.patience_s)
        for home in good:
            home.until(lambda: home.sent_s.keys() <= home.stored, size.patience_s)  # noqa: B023
        assert child.stop() == 0, "it lived until it was told to end"
    assert not child.says("Traceback")
    well = ids([*before, *beside, *(item for poison in poisons for item in poison.good)])
    assert stored(clinic) == well, "what is good is stored, and nothing else"
    account(clinic, poisons)
    late = [_p99_ms(good, items) for items in (before, beside)]
    sys.stdout.write(
        f"{len(poisons)} messages of poison at {size.per_s:g}/s: 0 crashes, each in quarantine"
        f" once; {len(well)} good readings stored; sent to receipt p99 {late[0]:.0f} ms without"
        f" poison, {late[1]:.0f} ms beside it\n"
    )


@contextmanager
def measuring(homes: County, good: Sequence[TimedHome], size: Size) -> Iterator[list[wire.Item]]:
    """Have these homes measure for the block; gives what they measured, filled as it comes."""
    items: list[wire.Item] = []
    over = threading.Event()
    began_s, began = time.monotonic(), now()

    def run() -> None:
        while not over.wait(TICK_S):
            for number in range(len(items), int((time.monotonic() - began_s) * size.good_per_s)):
                at = began + timedelta(seconds=number / size.good_per_s)
                # The first of the homes is the poisoner's.
                which = number % len(good)
                item = homes.pressure(number // len(good) * HOMES + which + 1, at)
                items.append(item)
                good[which].measures(item)

    work = begun(run)
    try:
        yield items
    finally:
        over.set()
        work.result(DEADLINE_S)


def spray(bad: Home, poisons: Sequence[Poison], poisoner: Poisoner, per_s: float) -> None:
    """Send all the poison, so much a second, and now and then a word that cannot be used."""
    pause = threading.Event()
    began_s = time.monotonic()
    for number, poison in enumerate(poisons):
        pause.wait(max(0.0, began_s + number / per_s - time.monotonic()))
        bad.publish(poison.message)
        if number % TALK_EVERY == 0:
            bad.publish(poisoner.talk())


def stored(clinic: Clinic) -> set[UUID]:
    """Return the ids of what is stored: as many rows as ids."""
    rows = clinic.rows("SELECT reading_id FROM ingest_ledger WHERE outcome = 'stored'")
    assert clinic.one("SELECT count(*) FROM reading") == len(rows)
    return {row[0] for row in rows}


def account(clinic: Clinic, poisons: Sequence[Poison]) -> None:
    """See that each message of poison is in quarantine once, with its reason, and nothing else."""
    rows = clinic.rows("SELECT reason, md5(payload) FROM quarantine")
    left = Counter((Reason(reason), digest) for reason, digest in rows)
    for poison in poisons:
        possible = product(poison.reasons, map(_digest, poison.kept))
        right = next((each for each in possible if left[each]), None)
        assert right is not None, f"not in quarantine: {poison.reasons} {poison.kept[0][:500]!r}"
        left[right] -= 1
    assert not +left, "nothing twice, and nothing else"


def _digest(payload: bytes) -> str:
    return md5(payload, usedforsecurity=False).hexdigest()


def _p99_ms(good: Sequence[TimedHome], items: Sequence[wire.Item]) -> float:
    waits = [wait for home in good for wait in home.waits_ms(ids(items))]
    return statistics.quantiles(waits, n=100)[98]


def boundless(engine: Engine) -> Engine:
    """Return the same broker without its bound on the length of messages."""

    def configure(listener: Listener) -> str:
        lines = engine.configure(listener).splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("message_size_limit"))

    return replace(engine, configure=configure)


def now() -> datetime:
    return datetime.now(UTC)
