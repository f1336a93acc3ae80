"""Which code decided: the version, stored with every decision."""

from yikao_devices.version import VERSION


def code_version() -> str:
    """Return the product's version."""
    return VERSION
