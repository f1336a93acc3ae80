"""How hard it is, and which chance it was: for tests that kill, shuffle and poison."""

import random
import sys

import pytest


@pytest.fixture
def torture(pytestconfig: pytest.Config) -> bool:
    """Whether this is `make torture`, which takes the whole of it."""
    return bool(pytestconfig.getoption("--hypothesis-profile") == "torture")


@pytest.fixture
def seed() -> int:
    """A seed drawn from pytest-randomly's own, which repeats it all; it is told."""
    drawn = random.randrange(10**6)
    sys.stdout.write(f"seed {drawn}\n")
    return drawn
