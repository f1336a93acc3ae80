"""Compressed readings are packed anew when months have been joined, and are the same readings."""

from datetime import datetime, timedelta

import pytest
from clinic import NOW
from fix_database import KINDS, Clinic
from upkeep_parts import cuff, does, put

from yikao_ingest.upkeep.packing import pack

pytestmark = pytest.mark.parametrize("server_dsn", KINDS[1:], indirect=True)
"""Nothing is compressed in plain PostgreSQL."""

FIRST = NOW - timedelta(days=400)
READINGS = [cuff(1, FIRST + timedelta(hours=6) * n, 120 + n % 30) for n in range(600)]
"""Five months of one resident."""
EVERY = "SELECT r::text FROM reading r ORDER BY 1"
COMPRESS = "SELECT compress_chunk(%s::regclass)"
CHUNKS = "SELECT c::text FROM show_chunks('reading_kept') c"


def packs(clinic: Clinic) -> int:
    """Return into how many packs the compressed readings are divided."""
    tables = clinic.rows(
        "SELECT compress_relid::text FROM _timescaledb_catalog.compression_settings"
        " WHERE compress_relid IS NOT NULL"
    )
    return sum(clinic.one(f"SELECT count(*) FROM {name}") for (name,) in tables)


def compress(clinic: Clinic) -> None:
    for (chunk,) in clinic.rows(CHUNKS):
        clinic.rows(COMPRESS, chunk)


@pytest.fixture
def joined(clinic: Clinic) -> Clinic:
    put(clinic, *READINGS)
    compress(clinic)
    return clinic


def test_joined_months_are_packed_once(joined: Clinic) -> None:
    before, loose = joined.rows(EVERY), packs(joined)
    assert does(joined, lambda conn: pack(conn, NOW)) > 0
    assert packs(joined) < loose
    assert joined.rows(EVERY) == before
    assert does(joined, lambda conn: pack(conn, NOW)) == 0


def test_what_joins_later_is_packed_too(joined: Clinic) -> None:
    does(joined, lambda conn: pack(conn, NOW))
    end = READINGS[-1].time
    later = [cuff(1, end + timedelta(hours=6) * n, 130) for n in range(1, 240)]
    put(joined, *later)
    compress(joined)
    before = joined.rows(EVERY)
    assert does(joined, lambda conn: pack(conn, NOW)) > 0
    assert joined.rows(EVERY) == before
    assert len(before) == len(READINGS) + len(later)


def test_a_piece_that_is_dropped_is_forgotten(joined: Clinic) -> None:
    does(joined, lambda conn: pack(conn, NOW))
    before: datetime = NOW + timedelta(days=1)
    joined.rows("SELECT drop_chunks('reading_kept', older_than => %s::timestamptz)", before)
    does(joined, lambda conn: pack(conn, NOW))
    assert joined.one("SELECT count(*) FROM upkeep_packed") == 0
