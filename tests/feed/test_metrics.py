"""The figures for Prometheus: from the outbox, each attempt once, and nothing about anybody."""

import math
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from fix_feed import Town
from leaks import Canaries, leaks
from prometheus_client.parser import text_string_to_metric_families

from yikao_alerts.feed.operations_view import STATES

ATTEMPT = """
INSERT INTO page_attempt (page_id, at, outcome, detail)
SELECT page_id, created_at + %(after_s)s * interval '1 second', %(outcome)s, 'x' FROM page
WHERE episode_id = %(episode)s
"""
OLD = """
UPDATE page SET created_at = created_at - interval '1 minute'
WHERE episode_id = %(episode)s;
UPDATE finding SET found_at = found_at - interval '1 minute';
UPDATE reading_kept SET received_at = (SELECT created_at - interval '0.25 seconds' FROM page
                                       WHERE episode_id = %(episode)s)
"""
WAITING = (
    """INSERT INTO ingest_message (received_at, gateway_id, payload, key_id, signature)
    VALUES (%(old)s, 'gw-1', '', '', '')""",
    """INSERT INTO quarantine (received_at, topic, reason, detail, payload)
    VALUES (%(old)s, '', 'no_binding', '', '')""",
    """INSERT INTO quarantine (received_at, topic, reason, detail, payload, closed_at, closed_as,
        closed_by, closed_because)
    VALUES (%(old)s, '', 'implausible', '', '', %(now)s, 'discarded', 'li', 'a test')""",
    """INSERT INTO gateway (gateway_id, tenant, public_key, online, seen_at, waiting) VALUES
    ('gw-2', 'demo', 'key', true, %(old)s, 3), ('gw-3', 'demo', 'key', false, %(now)s, 7),
    ('gw-4', 'demo', 'key', NULL, NULL, NULL)""",
    """INSERT INTO upkeep_task (name, began_at, failing_since)
    VALUES ('months', %(old)s, %(old)s), ('roll-ups', %(old)s, NULL)""",
)


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


def test_what_waits_and_what_is_amiss(town: Town, scraper: httpx.Client) -> None:
    found = figures(scraper)
    assert found["yikao_last_message_age_seconds[]"] == math.inf
    assert found["yikao_upkeep_age_seconds[]"] == math.inf
    assert found["yikao_gateways['online']"] == 1
    assert found["yikao_eval_queue[]"] == found["yikao_eval_queue_age_seconds[]"] == 0
    town.resident("r-01", "张秀英")
    town.reads("r-01", 130, 80, ago=timedelta(minutes=1))
    for statement in WAITING:
        town.run(statement, now=town.now, old=town.now - timedelta(hours=1))
    found = figures(scraper)
    assert found["yikao_last_message_age_seconds[]"] == pytest.approx(3600, abs=60)
    assert found["yikao_eval_queue[]"] == 1
    assert 0 <= found["yikao_eval_queue_age_seconds[]"] < 60
    assert found["yikao_quarantine_open['no_binding']"] == 1
    assert "yikao_quarantine_open['implausible']" not in found
    assert found["yikao_receipts_owed[]"] == 10
    assert found["yikao_upkeep_failing['months']"] == 1
    assert found["yikao_upkeep_failing['roll-ups']"] == 0
    assert found["yikao_upkeep_age_seconds[]"] == pytest.approx(3600, abs=60)
    states = {name: count for name, count in found.items() if name.startswith("yikao_gateways")}
    assert states == {f"yikao_gateways['{state}']": 1 for state in STATES}


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
