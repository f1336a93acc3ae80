"""The Grafana dashboard shows figures that exist, and no figure is left out; so does the manual."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from yikao_alerts.feed.metrics import Metrics
from yikao_ingest.metrics import IngestMetrics

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "ingest" / "grafana" / "yikao.json").read_text("utf-8"))
MANUAL = (ROOT / "docs" / "operations.md").read_text("utf-8")
NAME = re.compile(r"\byikao_\w+")
LABEL = re.compile(r"\{\{(\w+)\}\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WIDTH = 24
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}

PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
DRAWN = [panel for panel in PANELS if panel["type"] != "row"]


def samples(registry: CollectorRegistry) -> dict[str, str]:
    """Return the family of each sample that Prometheus may find."""
    return {
        f"{family.name}{suffix}": family.name
        for family in registry.collect()
        for suffix in SUFFIXES[family.type]
    }


@pytest.fixture(scope="module")
def exported() -> dict[str, str]:
    """The family of each sample that our processes export."""
    return samples(Metrics().registry) | samples(IngestMetrics().registry)


def expressions() -> list[str]:
    return [target["expr"] for panel in DRAWN for target in panel["targets"]]


def test_every_figure_that_is_drawn_is_exported_and_every_one_is_drawn(
    exported: dict[str, str],
) -> None:
    drawn = {name for text in expressions() for name in NAME.findall(text)}
    assert drawn <= exported.keys()
    assert {exported[name] for name in drawn} == set(exported.values())


def test_every_figure_stands_in_the_manual_and_none_that_is_not(exported: dict[str, str]) -> None:
    told = {name for name in re.findall(r"`(yikao_[a-z_]+)`", MANUAL)}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported}
    assert {name for name in told if name.startswith(tuple(shown))} <= shown
    assert shown <= told


def test_each_panel_has_a_title_in_both_languages_and_a_query() -> None:
    for panel in PANELS:
        zh, _, en = panel["title"].partition(" · ")
        assert CHINESE.search(zh) and en.isascii(), panel["title"]
    for panel in DRAWN:
        assert panel["targets"] and panel["datasource"]["uid"] == "${datasource}"
        assert [t["refId"] for t in panel["targets"]] == sorted(
            {t["refId"] for t in panel["targets"]}
        )


def test_a_legend_names_only_labels_that_its_query_keeps() -> None:
    for panel in DRAWN:
        for target in panel["targets"]:
            kept = re.findall(r"by \(([^)]*)\)", target["expr"])
            labels = {label.strip() for group in kept for label in group.split(",")}
            assert set(LABEL.findall(target["legendFormat"])) <= labels, target["expr"]


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH
        cells = {
            (place["x"] + dx, place["y"] + dy)
            for dx in range(place["w"])
            for dy in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
