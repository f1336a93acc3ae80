"""A home on line with a broker of the test's own, for tests of ingest."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_database import Clinic
from ingest_parts import Home, home_at

from yikao_ingest.embedded.broker import EmbeddedBroker


@pytest.fixture
def broker(short_tmp: Path) -> Iterator[EmbeddedBroker]:
    """A broker of this test's own: ingest's session outlives its connection."""
    broker = EmbeddedBroker(short_tmp / "broker")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def url(broker: EmbeddedBroker) -> str:
    return f"mqtt://{broker._host}:{broker._port}"


@pytest.fixture
def home(url: str, plain_clinic: Clinic) -> Iterator[Home]:
    with home_at(url, plain_clinic.first) as home:
        yield home
