"""Thirty days that arrive at once, three times and in any order, leave what they leave in order.

A home was off the line for a month; its gateway sends everything, the broker delivers it again, and
nothing comes in the order it was measured. Byte for byte the same is stored and decided as when
each item comes once and in order. `make torture` does it with a hundred thousand readings.
"""

import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import uuid5

import psycopg
import pytest
from clinic import MINUTE, NAMESPACE, NOW, event, glucose, pressure, symptoms
from county import County, county
from fix_database import database_on
from fix_watch import FEED, SECRET
from psycopg import AsyncConnection

from yikao_alerts.rules import RuleSet
from yikao_alerts.store import Linking
from yikao_alerts.working import connect
from yikao_devices import wire
from yikao_ingest.accept import Incoming, judge
from yikao_ingest.evaluator import Evaluator
from yikao_ingest.pipeline import settle
from yikao_ingest.store import Store

READINGS, READINGS_TORTURE = 2_000, 100_000
COPIES = 3
DAYS = 30
PER_CUFF = 4 * DAYS
CUFFS = 2
BATCH = 20
"""Messages in one transaction of the run in order."""

KEY = "patient_id, time, device_id, kind"
STORED = {
    "reading": f"""
        SELECT * FROM reading
        WHERE ({KEY}) NOT IN (SELECT {KEY} FROM reading_conflict) ORDER BY {KEY}
    """,
    # Of two records of one moment the first to come is the reading, the other the conflict: which
    # is which depends on the order, that both are there does not.
    "both of a conflict": f"""
        SELECT DISTINCT {KEY}, said - 'received_at'
        FROM reading_conflict, LATERAL (VALUES (stored), (arrived)) AS both_of_them (said)
        ORDER BY {KEY}, 5
    """,
    # Not message_id: the number of the message in which it came first.
    "ledger": """
        SELECT reading_id, received_at, replace(outcome, 'conflict', 'stored')
        FROM ingest_ledger ORDER BY 1
    """,
    "latest": "SELECT * FROM patient_latest ORDER BY patient_id, kind",
    # Not quarantine_id, which counts arrivals, nor message_id.
    "quarantine": """
        SELECT received_at, gateway_id, topic, reason, detail, payload, reading_id, patient_id,
               measured_at
        FROM quarantine ORDER BY reading_id
    """,
    "symptoms": "SELECT * FROM symptom_report ORDER BY reading_id",
    "events": "SELECT * FROM device_event ORDER BY reading_id",
    # Not how often: each arrival asks for a look, and one look answers them all.
    "to be looked at": "SELECT DISTINCT patient_id FROM eval_queue ORDER BY 1",
}
"""What is stored. Neither the numbers that count arrivals, nor the messages themselves: each copy
is kept as it came, with its signature."""
ALIKE = "patient_id NOT IN (SELECT patient_id FROM reading_conflict)"
DECIDED = {
    "episodes": f"""
        SELECT patient_id, family, state, rule_id, severity, level, confirmed, measured_at,
               opened_at, level_since, round, last_evidence_at, normal_rounds, closed_at
        FROM episode WHERE {ALIKE} ORDER BY patient_id, family, opened_at
    """,
    "findings": f"""
        SELECT patient_id, rule_id, trigger_key, confirmed, found_at, evidence
        FROM finding WHERE {ALIKE} ORDER BY 1, 2, 3, 4
    """,
    "pages": f"""
        SELECT e.patient_id, e.family, p.round, p.step, p.loop, p.doctor_id, p.contact_position,
               p.due_at, p.state
        FROM page p JOIN episode e USING (episode_id) WHERE {ALIKE} ORDER BY 1, 2, 3, 4, 5, 6, 7
    """,
    "decisions": f"""
        SELECT patient_id, decided_at, inputs, findings, refusals
        FROM decision WHERE {ALIKE} ORDER BY patient_id
    """,
}
"""What was decided, without the numbers of episodes and pages, which count who was looked at; and
without residents of whom two records of one moment came, as the rules see the first to come."""


@pytest.fixture
def homes(torture: bool) -> County:
    readings = READINGS_TORTURE if torture else READINGS
    return county(max(1, readings // (CUFFS * PER_CUFF)), CUFFS)


@contextmanager
def settled(server_dsn: str, homes: County) -> Iterator[str]:
    """Have a database with these homes for the block."""
    with database_on(server_dsn) as dsn:
        homes.settle(dsn, NOW)
        yield dsn


def test_what_comes_late_thrice_and_shuffled_leaves_what_comes_in_order(
    server_dsn: str, homes: County, rules: RuleSet
) -> None:
    # From pytest-randomly's own seed, which repeats it all.
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    items = [list(month(homes, home)) for home in range(len(homes.signers))]
    sys.stdout.write(f"seed {seed}, {sum(map(len, items))} items, {COPIES} times\n")
    with settled(server_dsn, homes) as one, settled(server_dsn, homes) as other:
        arrive(one, in_order(homes, items), rules)
        arrive(other, shuffled(homes, items, chance), rules)
        compare(STORED, one, other)
        for dsn in (one, other):
            decide(dsn, rules)
        assert dump(one, DECIDED["pages"]), "somebody has to be called"
        compare(DECIDED, one, other)
        compare(STORED, one, other)


def month(homes: County, home: int) -> Iterator[wire.Item]:
    """Yield what a home measured in the thirty days before `NOW`, in order, oddities included."""
    step = timedelta(days=DAYS) / PER_CUFF
    for n in range(PER_CUFF):
        for cuff in range(homes.cuffs):
            at = NOW - (PER_CUFF - n) * step + cuff * MINUTE
            address = homes.cuff(home, cuff)
            yield pressure(110 + (n * 7 + home) % 40, 66 + n % 20, at=at, device=address)
            yield from oddities(home, address, n, at)
    for cuff in range(homes.cuffs):
        yield from evening(homes.cuff(home, cuff), 2 * home + cuff)


def oddities(home: int, address: str, n: int, at: datetime) -> Iterator[wire.Item]:
    """Yield what comes beside a reading now and then."""
    later = at + MINUTE / 2
    match n % 20:
        case 3 if home % 4 == 0:
            # Another record of the same moment, and the same record under another id.
            yield pressure(150, 95, at=at, device=address)
            again = uuid5(NAMESPACE, f"again {address} {n}")
            yield pressure(150, 95, at=at, device=address, reading_id=again)
        case 7:
            yield pressure(400, 90, at=later, device=address)
        case 11:
            yield glucose(5.0 + n % 3, at=later, device=address, record=n)
        case 13:
            yield event(at=later, device=address)
        case 17:
            yield symptoms("dizzy", at=later, device=address)
        case 19:
            yield pressure(at=later, device=f"{address} unknown")


def evening(address: str, number: int) -> Iterator[wire.Item]:
    """Yield what a resident measured last: with some of them somebody has to be called."""
    for minutes, high in ((12, number % 3 > 0), (5, number % 3 > 1)):
        at = NOW - minutes * MINUTE
        yield pressure(186 if high else 130, 112 if high else 80, at=at, device=address)


def in_order(homes: County, items: Sequence[list[wire.Item]]) -> Iterator[list[Incoming]]:
    """Yield batches in which each item comes once and as it was measured."""
    messages = []
    for signer, own in zip(homes.signers, items, strict=True):
        for at in range(0, len(own), wire.ITEMS_MAX):
            messages.append(signer.send(*own[at : at + wire.ITEMS_MAX]))
    for at in range(0, len(messages), BATCH):
        yield messages[at : at + BATCH]


def shuffled(
    homes: County, items: Sequence[list[wire.Item]], chance: random.Random
) -> Iterator[list[Incoming]]:
    """Yield batches of any size in which each item comes several times, in any order."""
    messages = []
    for signer, own in zip(homes.signers, items, strict=True):
        left = own * COPIES
        chance.shuffle(left)
        while left:
            size = chance.randint(1, wire.ITEMS_MAX)
            messages.append(signer.send(*left[:size]))
            del left[:size]
    chance.shuffle(messages)
    while messages:
        size = chance.randint(1, 2 * BATCH)
        yield messages[:size]
        del messages[:size]


def arrive(dsn: str, batches: Iterator[list[Incoming]], rules: RuleSet) -> None:
    """Let all of it arrive at `NOW`, as the pipeline takes it in."""
    store = Store(dsn)
    directory = store.directory()
    for batch in batches:
        settle(store, [judge(message, directory, rules, NOW) for message in batch], NOW)
    store.close()


def decide(dsn: str, rules: RuleSet) -> None:
    """Look at everybody who waits, at `NOW`."""

    async def clock(_: AsyncConnection) -> datetime:
        return NOW

    async def run() -> None:
        evaluator = Evaluator(rules, Linking(FEED, SECRET), clock)
        async with await connect(dsn) as connection:
            while await evaluator.cycle(connection):
                pass

    asyncio.run(run())


def compare(queries: dict[str, str], one: str, other: str) -> None:
    """See that both databases say the same, byte for byte."""
    for what, query in queries.items():
        found = [dump(dsn, query) for dsn in (one, other)]
        assert found[0] == found[1], f"{what}: {first_difference(*found)}"


def dump(dsn: str, query: str) -> bytes:
    """Return the rows of a query as PostgreSQL writes them out."""
    copy = f"COPY ({query}) TO STDOUT".encode()
    with psycopg.connect(dsn) as connection, connection.cursor().copy(copy) as rows:
        return b"".join(rows)


def first_difference(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    lines = zip(one.splitlines(), other.splitlines(), strict=False)
    return next((pair for pair in lines if pair[0] != pair[1]), (one[-200:], other[-200:]))
