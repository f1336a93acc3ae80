"""Decisions computed again from their records: how many a second, and whether all are the same.

Residents measure two sittings of two twice a day; each twentieth sitting is a high one. The live
evaluator decides about everybody after each half day and writes its records, at the clock's pace of
this story; then every record is computed again and compared byte for byte, its chain is followed,
and its readings are looked up. `python benchmarks/replay.py 1000000` is the figure for a million.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from evaluate import APART, NOW, drain, settle
from table import Figure

from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.replaying import Span, replay

READINGS = 100_000
RESIDENTS = 5_000
SITTINGS, TIMES = 2, 2
"""Of each resident each half day, and readings in each."""
MEASURED = """
INSERT INTO reading_kept (patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg,
                          pulse_bpm, unit, flags, doubt_s, hub_time, received_at)
SELECT p, at, p, 'blood_pressure',
       112 + abs(hashint4(p * 7919 + n)) %% 35 + CASE WHEN high THEN 70 ELSE 0 END,
       66 + abs(hashint4(p * 104729 + n)) %% 20 + CASE WHEN high THEN 35 ELSE 0 END,
       58 + abs(hashint4(p + n * 31)) %% 30,
       'mmHg', '{}', 1, at + interval '5 s', at + interval '9 s'
FROM generate_series(1, %(residents)s::integer) p,
     generate_series(1, %(sittings)s) s, generate_series(1, %(times)s) t,
     LATERAL (SELECT %(number)s * 16 + s * 4 + t AS n,
                     abs(hashint4(p * 131 + %(number)s * 2 + s)) %% 20 = 0 AS high,
                     %(at)s - s * interval '1 h' + t * interval '2 min'
                     - p %% 60 * interval '1 s' AS at) AS sitting
"""


def figures(readings: int = READINGS) -> Iterator[Figure]:
    """Yield decisions per second through the replay, and the share that is identical."""
    half_days = readings // (RESIDENTS * SITTINGS * TIMES)
    with tempfile.TemporaryDirectory(prefix="yk-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "pg")
        dsn = postgres.start()
        try:
            _lived(dsn, half_days)
            began = time.perf_counter()
            decisions, other = _again(dsn)
            took_s = time.perf_counter() - began
        finally:
            postgres.stop()
    what = f"replay: {readings:,} readings, {decisions:,} decisions"
    yield Figure(what, decisions / took_s, "decisions/s")
    yield Figure("of them byte for byte the same", 100 * (1 - other / decisions), "%", "all", 100)


def _lived(dsn: str, half_days: int) -> None:
    """Have everybody measure and be decided about, half day after half day."""
    times = [NOW - APART * back for back in reversed(range(half_days))]
    settle(dsn, RESIDENTS, times)
    for number, at in enumerate(times):
        values = {"residents": RESIDENTS, "sittings": SITTINGS, "times": TIMES, "number": number}
        with psycopg.connect(dsn) as conn:
            conn.execute(MEASURED, values | {"at": at})
        drain(dsn, at)


def _again(dsn: str) -> tuple[int, int]:
    """Return how many decisions were computed again, and how many of them differ in anything."""
    decisions = other = 0
    for checked in replay(dsn, Span(), verify=True):
        decisions += 1
        other += bool(checked.differences)
    return decisions, other


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if sys.argv[1:] else READINGS):
        print(figure.line(), flush=True)
