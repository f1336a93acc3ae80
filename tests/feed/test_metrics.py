"""The figures for Prometheus: from the outbox, each attempt once, and nothing about anybody."""

from collections.abc import Iterator

import httpx
import pytest
from fix_feed import Town
from leaks import Canaries, leaks
from prometheus_client.parser import text_string_to_metric_families

ATTEMPT = """
INSERT INTO page_attempt (page_id, at, outcome, detail)
SELECT page_id, created_at + %(after_s)s * interval '1 second', %(outcome)s, 'x' FROM page
WHERE episode_id = %(episode)s
"""
OLD = """
UPDATE page SET created_at = created_at - interval '1 minute'
WHERE episode_id = %(episode)s;
UPDATE finding SET found_at = found_at - interval '1 minute';
UPDATE reading SET received_at = (SELECT created_at - interval '0.25 seconds' FROM page
                                  WHERE episode_id = %(episode)s)
"""


@pytest.fixture
def scraper(feed_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=feed_url) as client:
        yield client


def figures(scraper: httpx.Client) -> dict[str, float]:
    """Scrape, and return the samples by name and labels."""
    answer = scraper.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_attempts_latency_and_what_waits(town: Town, scraper: httpx.Client) -> None:
    assert figures(scraper)["yikao_page_latency_seconds_count[]"] == 0
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    town.run(OLD, episode=episode)
    town.run(ATTEMPT, episode=episode, outcome="retryable", after_s=1.0)
    town.run(ATTEMPT, episode=episode, outcome="delivered", after_s=1.5)
    found = figures(scraper)
    assert found["yikao_page_attempts_total['console', 'retryable']"] == 1
    assert found["yikao_page_attempts_total['console', 'delivered']"] == 1
    assert found["yikao_page_latency_seconds_count[]"] == 1
    assert found["yikao_page_latency_seconds_sum[]"] == pytest.approx(1.75)
    assert found["yikao_episodes['open']"] == 1
    assert found["yikao_pages['console', 'due']"] == 1
    assert found["yikao_oldest_due_page_seconds[]"] >= 0
    assert figures(scraper)["yikao_page_attempts_total['console', 'delivered']"] == 1


def test_who_does_not_exist_is_not_counted(town: Town, scraper: httpx.Client) -> None:
    figures(scraper)
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    town.run(OLD, episode=episode)
    town.run("UPDATE resident SET synthetic = true")
    town.run(ATTEMPT, episode=episode, outcome="delivered", after_s=1.5)
    found = figures(scraper)
    assert found["yikao_page_latency_seconds_count[]"] == 0
    assert not [name for name in found if name.startswith(("yikao_episodes", "yikao_pages"))]


def test_no_figure_tells_of_a_resident(town: Town, scraper: httpx.Client) -> None:
    town.resident("resident-8842-kx-01", "欧阳金丝雀")
    town.red("resident-8842-kx-01")
    canaries = Canaries(("欧阳金丝雀", "王医生"), ("resident-8842-kx",), ("186/112",))
    assert not leaks(scraper.get("/metrics").text, canaries)
