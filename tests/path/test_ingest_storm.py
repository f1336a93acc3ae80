"""A storm over the ingest: ingest, broker and PostgreSQL are killed with -9 at random moments while
homes measure, and the database is away for minutes. No reading is lost, none is there twice.

Half a minute of it; `make torture` kills each of them a hundred times and stops the database for
ten minutes.
"""

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from ingest_storm import storm

TAKE_OVER_MAX_S = 30.0
"""Meant to be five; on a busy machine only a standby that never takes over fails."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it: readings a second, kills of each part, pauses between them, and waits."""

    per_s: float
    kills: int
    every_s: tuple[float, float]
    take_overs: int
    away_s: float
    patience_s: float


SHORT = Size(300, 3, (0.5, 5.0), 1, 4.0, 120.0)
TORTURE = Size(1_000, 100, (1.0, 13.0), 5, 600.0, 1_800.0)


@pytest.fixture
def size(torture: bool) -> Size:
    return TORTURE if torture else SHORT


def test_whoever_is_killed_no_reading_is_lost_and_none_is_there_twice(
    short_tmp: Path, size: Size, seed: int
) -> None:
    with storm(short_tmp, seed, size.per_s) as weather:
        weather.rages(size.kills, size.every_s, size.patience_s)
        waits_s = [weather.takes_over() for _ in range(size.take_overs)]
        assert max(waits_s) <= TAKE_OVER_MAX_S, waits_s
        drained_s = weather.settles(size.patience_s)
        readings = weather.accounts()
    sys.stdout.write(
        f"{readings} readings at {size.per_s:g}/s, each part killed {size.kills} times: 0 lost,"
        f" 0 twice; drained in {drained_s:.1f} s; the standby took over in"
        f" {statistics.median(waits_s):.2f} s, {max(waits_s):.2f} s at most\n"
    )


def test_a_database_that_is_away_costs_no_reading(short_tmp: Path, size: Size, seed: int) -> None:
    with storm(short_tmp, seed, size.per_s) as weather:
        weather.without_database(size.away_s)
        drained_s = weather.settles(size.patience_s)
        readings = weather.accounts()
    sys.stdout.write(
        f"{readings} readings at {size.per_s:g}/s, the database away for {size.away_s:g} s:"
        f" 0 lost, 0 twice; drained in {drained_s:.1f} s\n"
    )
