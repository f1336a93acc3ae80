"""Several ingests share the messages: each works, and what dies with one comes again from home."""

import threading
from pathlib import Path

import pytest
from fix_database import Clinic
from ingest_parts import Home, IngestChild, ingesting, series

from yikao_alerts.rules import RuleSet
from yikao_ingest.errors import ServerError
from yikao_ingest.pipeline import Pipeline
from yikao_ingest.settings import INGEST_SHARE
from yikao_ingest.subscriber import Subscriber

SHARE = "ingest"
READINGS = 600


def worked(pipeline: Pipeline) -> float:
    """Return how many readings one of them has stored."""
    return pipeline.metrics.registry.get_sample_value("yikao_ingest_readings_total") or 0.0


def test_both_work_and_each_reading_is_stored_once(
    plain_clinic: Clinic, home: Home, url: str, rules: RuleSet
) -> None:
    readings = series(READINGS)
    dsn = plain_clinic.dsn
    with ingesting(dsn, url, rules, SHARE) as one, ingesting(dsn, url, rules, SHARE) as other:
        home.deliver(readings)
        assert worked(one) > 0 and worked(other) > 0
    assert home.stored == {reading.reading_id for reading in readings}
    assert plain_clinic.one("SELECT count(*) FROM reading") == READINGS


def test_what_dies_with_one_comes_again(
    plain_clinic: Clinic, home: Home, url: str, short_tmp: Path
) -> None:
    readings = series(READINGS)
    one, other = (
        IngestChild(plain_clinic.dsn, url, short_tmp / name, **{INGEST_SHARE: SHARE})
        for name in ("one", "other")
    )
    plain_clinic.until(lambda: one.ready.exists() and other.ready.exists())
    sending = threading.Thread(target=home.deliver, args=(readings,), daemon=True)
    sending.start()
    home.until(lambda: len(home.stored) >= READINGS // 3)
    one.kill()
    home.until(lambda: home.is_done(readings))
    assert other.stop() == 0
    assert home.stored == {reading.reading_id for reading in readings}
    assert plain_clinic.one("SELECT count(*) FROM reading") == READINGS


def test_a_name_that_would_be_another_topic_is_refused() -> None:
    with pytest.raises(ServerError, match="without"):
        Subscriber("mqtt://127.0.0.1:1883", shared="a/b")
