"""For all tests: the fixtures of every `fix_*.py` beside this file, and a clean environment."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEPT = {"YIKAO_REQUIRE_SERVERS", "YIKAO_TEST_TIMESCALE_DSN"}
"""Meant for the tests; any other setting is the developer's own and must not reach a test."""

for name in [name for name in os.environ if name.startswith("YIKAO_") and name not in KEPT]:
    del os.environ[name]

if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

pytest_plugins = [plugin.stem for plugin in sorted(HERE.glob("fix_*.py"))]
