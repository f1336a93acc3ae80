"""From the commit of a reading to its receipt at the gateway, at a thousand single readings/s.

Real processes on one clock: PostgreSQL says when each transaction was committed (before its log is
written to disk, which therefore counts), and a client of the broker writes down when each receipt
came. Only the receipt lets a gateway forget a reading.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import paho.mqtt.client as mqtt
import psycopg
from crowd import Crowd, settle
from paho.mqtt.enums import CallbackAPIVersion
from publishing import packets, publish
from servers import Servers, committed, servers
from table import RUNS, Figure
from takers import Yikao, enrol, reset, running

from yikao_devices import topics, wire

READINGS_PER_S = 1_000
LASTS_S = 10
WARM_UP_S = 2.0
COMES_S = 30.0
"""A receipt that is not there by then is missing."""
BAR_MS = 50.0

COMMITTED = "SELECT reading_id, pg_xact_commit_timestamp(xmin) FROM ingest_ledger"


def figures(lasts_s: int = LASTS_S, runs: int = RUNS) -> Iterator[Figure]:
    """Yield the time from commit to receipt, and from the message sent to its receipt."""
    with tempfile.TemporaryDirectory(prefix="yk-") as folder, servers(Path(folder)) as live:
        crowd = settle(live.dsn)
        found = [_waits(live, crowd, lasts_s, run) for run in range(runs)]
    for hop, what in enumerate(("commit to receipt at the gateway", "message sent to receipt")):
        for share in (50, 99):
            cuts = [statistics.quantiles(waits[hop], n=100)[share - 1] for waits in found]
            beside, bar = ("to be at most", BAR_MS) if (hop, share) == (0, 99) else ("", None)
            shown = f"{what}, {READINGS_PER_S} single readings/s, p{share}"
            yield Figure(shown, statistics.median(cuts) * 1000, "ms", beside, bar)


def _waits(live: Servers, crowd: Crowd, lasts_s: int, run: int) -> tuple[list[float], list[float]]:
    """Return seconds from commit to receipt and from sending to receipt, of each reading."""
    taker, count = Yikao(), READINGS_PER_S * lasts_s
    readings = crowd.live(count, run)
    prepared = packets(taker.pack(readings, crowd))
    reset(taker, live)
    with running(taker, live, held=False), receipts_seen(live) as came_at:
        enrol(taker, live, crowd)
        sent_at = publish(live.port, prepared, READINGS_PER_S)
        committed(live.dsn, taker.table, crowd.since, count)
        ids = [reading.item.reading_id for reading in readings]
        until = time.monotonic() + COMES_S
        while missing := sum(known not in came_at for known in ids):
            assert time.monotonic() < until, f"{missing} of {count} readings have no receipt"
            time.sleep(0.1)
    with psycopg.connect(live.dsn) as conn:
        rows = conn.execute(COMMITTED).fetchall()
    committed_at = {row[0]: row[1].timestamp() for row in rows}
    pairs = list(zip(ids, sent_at, strict=True))[int(READINGS_PER_S * WARM_UP_S) :]
    return (
        [came_at[known] - committed_at[known] for known, _ in pairs],
        [came_at[known] - sent for known, sent in pairs],
    )


@contextmanager
def receipts_seen(live: Servers) -> Iterator[dict[UUID, float]]:
    """Have when the receipt of each reading came first, in Unix seconds, filled as they come."""
    came_at: dict[UUID, float] = {}
    listening = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "bench-receipts", protocol=mqtt.MQTTv5)

    def on_message(_: object, __: object, message: mqtt.MQTTMessage) -> None:
        now = time.time()
        for known in wire.decode_receipt(message.payload).stored:
            came_at.setdefault(known, now)

    client.on_message = on_message
    client.on_subscribe = lambda *_: listening.set()
    client.connect("127.0.0.1", live.port)
    client.loop_start()
    try:
        client.subscribe(f"{topics.ROOT}/+/+/{topics.RECEIPT}", qos=1)
        assert listening.wait(COMES_S), "the broker does not answer"
        yield came_at
    finally:
        client.disconnect()
        client.loop_stop()


if __name__ == "__main__":
    for figure in figures(*map(int, sys.argv[1:])):
        print(figure.line(), flush=True)
