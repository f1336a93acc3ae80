"""A measured figure with its 95 % interval, and the bar that it has to hold.

Intervals: of a rate, the normal one over people (their alarms come in clusters, so people are what
is counted as independent); of a share, Wilson 1927; of a median, order statistics.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Z = 1.96
"""Two-sided 95 % of the normal distribution."""
NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `low` and `high` bound it with 95 % confidence; `bar`: what the owner asks for.

    n: what the figure was taken from, in the words of `of`.
    """

    what: str
    value: float
    low: float
    high: float
    unit: str
    n: int
    of: str
    bar: tuple[float, float] | None = None

    @property
    def fails(self) -> bool:
        """Return whether there is a bar and the figure is beyond it."""
        return self.bar is not None and not self.bar[0] <= self.value <= self.bar[1]

    @property
    def verdict(self) -> str:
        """Return whether the figure holds its bar, in a word; empty without one."""
        if self.bar is None:
            return ""
        return "FAILS" if self.fails else "holds"

    def row(self) -> str:
        """Return the figure as a row of a Markdown table."""
        interval = f"{_number(self.low)} to {_number(self.high)}"
        return (
            f"| {self.what} | {_number(self.value)} {self.unit} | {interval} | "
            f"{self.n:,} {self.of} | {_bar(self.bar)} | {self.verdict} |"
        )

    def plain(self) -> dict[str, Any]:
        """Return the figure for a JSON file."""
        return asdict(self) | {"verdict": self.verdict}


HEAD = "| what | figure | 95 % | of | bar | |\n|---|---|---|---|---|---|"


def per_weeks(what: str, counts: "np.ndarray", weeks: float, per: int, **more: Any) -> Figure:
    """Return events per `per` patient-weeks, from the (n,) counts of people followed so long."""
    each = counts * (per / weeks)
    half = Z * each.std(ddof=1) / math.sqrt(each.size)
    mean = float(each.mean())
    return Figure(
        what, mean, max(0.0, mean - half), mean + half, f"/{per:,} pw", each.size, "people", **more
    )


def share(what: str, hits: int, of: int, things: str, **more: Any) -> Figure:
    """Return a share with Wilson's interval."""
    if not of:
        return Figure(what, math.nan, 0.0, 1.0, "", 0, things, **more)
    p, z2 = hits / of, Z * Z / of
    centre = (p + z2 / 2) / (1 + z2)
    half = Z * math.sqrt(p * (1 - p) / of + z2 / of / 4) / (1 + z2)
    return Figure(what, p, centre - half, centre + half, "", of, things, **more)


def median(what: str, values: "np.ndarray", unit: str, **more: Any) -> Figure:
    """Return the median of values that may be infinite, with order statistics around it."""
    ordered = np.sort(values)
    n = ordered.size
    half = Z * math.sqrt(n) / 2
    low = ordered[max(0, math.floor(n / 2 - half))]
    high = ordered[min(n - 1, math.ceil(n / 2 + half))]
    middle = float(ordered[(n - 1) // 2])
    return Figure(what, middle, float(low), float(high), unit, n, "people", **more)


def ratio(what: str, one: Figure, other: Figure, **more: Any) -> Figure:
    """Return the quotient of two independent rates, its interval on the logarithm's scale."""
    value = one.value / other.value
    error = sum(((each.high - each.low) / 2 / Z / each.value) ** 2 for each in (one, other))
    factor = math.exp(Z * math.sqrt(error))
    return Figure(what, value, value / factor, value * factor, "", one.n, one.of, **more)


def _number(value: float) -> str:
    if math.isinf(value):
        return "never"
    if 0.99 < abs(value) < 1:
        return f"{value:.4f}"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _bar(bar: tuple[float, float] | None) -> str:
    match bar:
        case None:
            return ""
        case (low, high) if math.isinf(high):
            return f"≥ {low:g}"
        case (low, high) if low <= 0:
            return f"≤ {high:g}"
        case (low, high):
            return f"{low:g} to {high:g}"


def at_most(bar: float) -> tuple[float, float]:
    """Return the bar that a figure must not exceed."""
    return (-math.inf, bar)


def at_least(bar: float) -> tuple[float, float]:
    """Return the bar that a figure must reach."""
    return (bar, math.inf)
