"""For all tests: the fixtures of every `fix_*.py` beside this file, and a clean environment."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KEPT = {"YIKAO_REQUIRE_SERVERS", "YIKAO_TEST_TIMESCALE_DSN"}
"""Meant for the tests; any other setting is the developer's own and must not reach a test."""
STORIES = HERE / "path"

for name in [name for name in os.environ if name.startswith("YIKAO_") and name not in KEPT]:
    del os.environ[name]

if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

pytest_plugins = [plugin.stem for plugin in sorted(HERE.glob("fix_*.py"))]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one more than the processors we may use: somebody always waits for a clock."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the stories, which mostly wait: whatever computes runs beside them."""
    items.sort(key=lambda item: STORIES not in item.path.parents)
