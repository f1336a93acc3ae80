"""Bounds of numbers that come from a command line."""

from typing import TypeVar

from yikao_sim.errors import SimError

N = TypeVar("N", int, float)


def within(name: str, value: N, low: N, high: N) -> N:
    """Return `value`; raises `SimError` that names the bounds when it is beyond them."""
    if not low <= value <= high:
        raise SimError(f"{name} {value} is not between {low} and {high}")
    return value
