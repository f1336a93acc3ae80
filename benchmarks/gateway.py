"""The gateway as a whole on simulated radio: a full meter, one record, a long life, an idle minute.

Simulator and gateway are processes of their own (the first two figures: the gateway's own code in
this one), the outbox is on this disk with an fsync for each record, and the bare client beside us
does its session in the same run, in turn with ours.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from bare_client import BareClient
from gateway_life import Air, air, gateway, receipts
from servers import broker
from table import RUNS, Figure

from yikao_devices.models import GENERIC_METER
from yikao_gateway.radio.open import open_radio
from yikao_gateway.store.database import Database
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.choice import Target
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.visit import Visitor

RECORDS = 2_000
RECORDS_PER_S_MIN = 500.0
SESSIONS = 40
"""Of each kind, in turn."""
LIVES = 1_000
"""Sessions with one new record each."""
MEMORY_MAX_MB = 60.0
IDLE_S = 60.0
IDLE_MAX_PCT = 1.0
SETTLES_S = 5.0
ZONE = ZoneInfo("Asia/Shanghai")
LOOKS = 20
"""How often memory is looked at during a life."""


def figures(lives: int = LIVES, idle_s: float = IDLE_S) -> Iterator[Figure]:
    """Yield the gateway's figures."""
    drains = [asyncio.run(_in_folder(_drain)) for _ in range(RUNS)]
    yield Figure(
        f"gateway: {RECORDS:,} records of a meter, from its radio to the outbox's commit",
        *(statistics.median(drains), "records/s", "to be at least", RECORDS_PER_S_MIN),
    )
    first, ours, bare = asyncio.run(_in_folder(_sessions))
    yield Figure("gateway: first session with a meter, with pairing", first * 1000, "ms")
    yield Figure(
        "gateway: session of one new record, bonded",
        *(ours * 1000, "ms", "bumble's own client", bare * 1000),
    )
    yield from asyncio.run(_in_folder(lambda folder: _life(folder, lives, idle_s)))


T = TypeVar("T")


async def _in_folder(work: Callable[[Path], Awaitable[T]]) -> T:
    with tempfile.TemporaryDirectory(prefix="yk-") as folder:
        return await work(Path(folder))


@asynccontextmanager
async def _visitor(folder: Path, meter: Air) -> AsyncIterator[Visitor]:
    """A gateway's radio and outbox in this process, listening."""
    database = Database(folder / "outbox.sqlite3")
    radio = open_radio(f"sim:{meter.listen}", folder)
    await radio.start(lambda _: None)
    try:
        yield Visitor(radio, Outbox(database), KnownDevices(database), lambda: datetime.now(ZONE))
    finally:
        await radio.stop()
        database.close()


async def _drain(folder: Path) -> float:
    """Return records a second of a whole first visit: connect, pair, explore, drain, hang up."""
    async with air(folder, RECORDS) as meter, _visitor(folder, meter) as visitor:
        began = time.perf_counter()
        visit = await visitor.visit(Target(meter.meter, GENERIC_METER))
        took_s = time.perf_counter() - began
    assert visit.new_items == RECORDS, f"{visit.new_items} of {RECORDS} records came"
    return RECORDS / took_s


async def _sessions(folder: Path) -> tuple[float, float, float]:
    """Return the seconds of our first session, and the medians of ours and of the bare one."""
    bare = BareClient(_unix_client(folder), folder)
    async with air(folder) as meter, _visitor(folder, meter) as visitor:
        await bare.open()
        try:
            return await _in_turn(meter, visitor, bare)
        finally:
            await bare.close()


async def _in_turn(meter: Air, visitor: Visitor, bare: BareClient) -> tuple[float, float, float]:
    target = Target(meter.meter, GENERIC_METER)
    ours: list[float] = []
    theirs: list[float] = []
    for record in range(1, SESSIONS + 2):
        await meter.measure(5.5)
        began = time.perf_counter()
        visit = await visitor.visit(target)
        ours.append(time.perf_counter() - began)
        assert (visit.new_items, visit.problem) == (1, None), visit
        began = time.perf_counter()
        came = await bare.session(meter.meter, record)
        theirs.append(time.perf_counter() - began)
        assert came == 1, f"{came} records instead of one"
    # The first of each has paired.
    return ours[0], statistics.median(ours[1:]), statistics.median(theirs[1:])


def _unix_client(folder: Path) -> str:
    return f"unix-client:{folder}/air"


async def _life(folder: Path, lives: int, idle_s: float) -> list[Figure]:
    """Return memory after so many sessions and its slope, then the processor's share when idle."""
    memory: list[tuple[int, float]] = []
    eager = {"reread_s": 0.05, "eager_s": 0.05, "heartbeat_s": 60}
    with broker(folder) as url:
        async with receipts(url), air(folder) as meter:
            async with gateway(folder, meter, url, eager) as living:
                for session in range(1, lives + 1):
                    await meter.measure(5.0 + session % 20 / 10)
                    await living.has_stored(session)
                    if session % max(1, lives // LOOKS) == 0:
                        memory.append((session, living.memory_mb()))
            async with gateway(folder, meter, url, {}) as living:
                await asyncio.sleep(SETTLES_S)
                before_s = living.cpu_s()
                await asyncio.sleep(idle_s)
                idle_pct = (living.cpu_s() - before_s) / idle_s * 100
    # What is loaded at the first use is no growth: the later half tells whether there is any.
    later = memory[len(memory) // 2 :]
    slope = statistics.linear_regression(*zip(*later, strict=True)).slope * 1000
    after = f"after {lives:,} sessions"
    return [
        Figure(
            f"gateway: resident memory {after}",
            *(memory[-1][1], "MB", "to be at most", MEMORY_MAX_MB),
        ),
        Figure("gateway: its growth, over the later half", slope, "MB per 1,000 sessions"),
        Figure(
            f"gateway: processor in {idle_s:g} s with a meter that advertises all the time",
            *(idle_pct, "% of a core", "to be at most", IDLE_MAX_PCT),
        ),
    ]


if __name__ == "__main__":
    for figure in figures(*map(int, sys.argv[1:])):
        print(figure.line(), flush=True)
