"""Whether what cannot be used slows what can: from a reading sent to its receipt, beside poison.

A hundred single readings a second from many homes, for a while alone and for a while beside 250
messages a second that nobody can use, in turn: whatever else the machine does, it does to both.
Every message of poison must be in quarantine in the end, for its reason.
"""

import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import psycopg
from crowd import CHANNEL, TENANT, Crowd, settle
from publishing import Outgoing, packets, publish
from receipts import receipts_seen
from servers import Servers, servers
from table import RUNS, Figure
from takers import Yikao, enrol, reset, running

from yikao_devices import topics
from yikao_ingest.reasons import Reason

READINGS_PER_S = 100
POISON_PER_S = 250
POISON = 7_500
"""Messages of poison, over all rounds."""
GIANT_EVERY, GIANT_BYTES = 2_500, 10_000_000
"""Of so many messages one has so many bytes."""
AHEAD = timedelta(days=1)
SENDER = 0
"""The gateway all poison comes from; it sends nothing else."""
COMES_S = 60.0
"""A receipt that is not there by then is missing, and so is what is not in quarantine."""

Poison = tuple[Reason, Outgoing]
"""A message, and why it is refused."""


def figures(count: int = POISON, runs: int = RUNS) -> Iterator[Figure]:
    """Yield how long readings wait for their receipts, beside poison and without."""
    rounds = Rounds(count // runs)
    with tempfile.TemporaryDirectory(prefix="yk-") as folder, servers(Path(folder)) as live:
        rounds.run(live, runs)
    sent = rounds.sent.total()
    yield Figure("poison in quarantine for its reason", rounds.kept(), "messages", "sent", sent)
    what = f"message sent to receipt, {READINGS_PER_S} readings/s beside {POISON_PER_S} poison/s"
    for share in (50, 99):
        alone, beside = (_median_ms(waits, share) for waits in (rounds.alone, rounds.beside))
        yield Figure(f"{what}, p{share}", beside, "ms", "without poison", alone)


def _median_ms(rounds: Sequence[Sequence[float]], share: int) -> float:
    """Return the median over rounds of what so many percent of the waits stay below."""
    return 1000 * statistics.median(statistics.quantiles(r, n=100)[share - 1] for r in rounds)


class Rounds:
    """What is measured with so many messages of poison a round."""

    def __init__(self, poison: int) -> None:
        self.alone: list[list[float]] = []
        self.beside: list[list[float]] = []
        """The seconds that each reading waited, round by round."""
        self.sent: Counter[Reason] = Counter()
        self._poison = poison
        self._found: Counter[Reason] = Counter()

    def kept(self) -> int:
        """Return how many messages are in quarantine for the reason they were made for."""
        return (self._found & self.sent).total()

    def run(self, live: Servers, runs: int) -> None:
        """Measure so many rounds, each alone and beside poison."""
        taker, crowd = Yikao(), settle(live.dsn)
        reset(taker, live)
        with running(taker, live, held=False) as child, receipts_seen(live) as came_at:
            enrol(taker, live, crowd)
            for run in range(runs):
                made = list(Poisoner(crowd, random.Random(run)).poison(self._poison))
                self.alone.append(self._waits(live, crowd, came_at, 2 * run, []))
                bad = [message for _, message in made]
                self.beside.append(self._waits(live, crowd, came_at, 2 * run + 1, bad))
                self.sent.update(reason for reason, _ in made)
                self._found = _in_quarantine(live.dsn, self.sent.total())
            assert child.poll() is None, "ingest has died of it"

    def _waits(
        self,
        live: Servers,
        crowd: Crowd,
        came_at: dict[UUID, float],
        run: int,
        poison: Sequence[Outgoing],
    ) -> list[float]:
        """Return how long each reading waited in the time that a round's poison takes."""
        count = self._poison * READINGS_PER_S // POISON_PER_S
        readings = [each for each in crowd.live(count, run) if each.gateway != SENDER]
        good, bad = packets(crowd.signed(readings)), packets(poison)
        with ThreadPoolExecutor(1) as pool:
            spray = pool.submit(publish, live.port, bad, POISON_PER_S, "bench-poisoner")
            sent_at = publish(live.port, good, READINGS_PER_S)
            spray.result()
        ids = [reading.item.reading_id for reading in readings]
        until = time.monotonic() + COMES_S
        while missing := sum(known not in came_at for known in ids):
            assert time.monotonic() < until, f"{missing} readings have no receipt"
            time.sleep(0.1)
        return [came_at[known] - sent for known, sent in zip(ids, sent_at, strict=True)]


def _in_quarantine(dsn: str, count: int) -> Counter[Reason]:
    """Return what is in quarantine, by reasons, when it is so much; more or less is a failure."""
    until = time.monotonic() + COMES_S
    with psycopg.connect(dsn, autocommit=True) as conn:
        while True:
            rows = conn.execute("SELECT reason, count(*) FROM quarantine GROUP BY 1").fetchall()
            found = Counter({Reason(reason): number for reason, number in rows})
            if found.total() == count:
                return found
            assert time.monotonic() < until, f"{found.total()} of {count} are in quarantine"
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Poisoner:
    """Makes poison in the name of one registered gateway; no item has an id that another has."""

    crowd: Crowd
    chance: random.Random

    def poison(self, count: int) -> Iterator[Poison]:
        """Yield so many messages, each kind as often."""
        kinds = (
            *(self._broken, self._no_number, self._future, self._wrong_unit),
            *(self._unknown_gateway, self._wrong_signature),
        )
        for number in range(count):
            # In the middle: the first is met by an ingest that is awake.
            is_giant = number % GIANT_EVERY == GIANT_EVERY // 2
            yield self._giant() if is_giant else kinds[number % len(kinds)]()

    def _signed(self, payload: bytes) -> Outgoing:
        return self.crowd.sign(SENDER, payload, str(uuid4()))

    def _payload(self, **changes: object) -> bytes:
        reading = self.crowd.probe(0)
        item = msgspec.structs.replace(reading.item, reading_id=uuid4(), **changes)
        return self.crowd.payload([replace(reading, item=item)])

    def _giant(self) -> Poison:
        return Reason.TOO_LONG, self._signed(self.chance.randbytes(GIANT_BYTES))

    def _broken(self) -> Poison:
        payload = self._payload()
        return Reason.UNREADABLE, self._signed(payload[: self.chance.randrange(len(payload))])

    def _no_number(self) -> Poison:
        payload = self._payload(systolic_mmhg=777.0).replace(b":777.0", b":NaN")
        return Reason.UNREADABLE, self._signed(payload)

    def _future(self) -> Poison:
        return Reason.FUTURE, self._signed(self._payload(measured_at=datetime.now(UTC) + AHEAD))

    def _wrong_unit(self) -> Poison:
        return Reason.ITEM_UNREADABLE, self._signed(self._payload(unit="mg/dL"))

    def _unknown_gateway(self) -> Poison:
        topic = topics.topic(TENANT, "nobody-knows", CHANNEL)
        return Reason.UNKNOWN_GATEWAY, replace(self._signed(self._payload()), topic=topic)

    def _wrong_signature(self) -> Poison:
        fake = replace(self._signed(self._payload()), properties=self._signed(b"").properties)
        return Reason.BAD_SIGNATURE, fake


if __name__ == "__main__":
    for figure in figures(*map(int, sys.argv[1:])):
        print(figure.line(), flush=True)
