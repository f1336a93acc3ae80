"""Which code decided: the installed version, stored with every decision."""

from functools import cache
from importlib.metadata import version


@cache
def code_version() -> str:
    """Return the product's version."""
    return version("yikao")
