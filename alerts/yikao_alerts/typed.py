"""Do typed values look like measured ones? Round last digits, and too many just below the target.

People round what they copy, and are kind to themselves near a limit; a mean of such values is not
what the cuff showed. This says how many, of how many, and how likely that is by chance. It counts
and judges nobody: a cuff that shows only even digits, or a short diary, looks odd as well.

Source: Parker 2018 (44,150 typed against 20,705 transmitted home readings: end digit 0, odds ratio
2.1; 134 beside a target of 135, odds ratio 1.52). Exact tests, no normal approximation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, log1p, pi, sqrt
from typing import Final

import numpy as np

from yikao_alerts.history import MANUAL, Measurement
from yikao_alerts.limits import value_of

VALUES_MIN: Final = 20
"""Fewer typed values say nothing about anybody's last digits: D."""
NEAR_MAX: Final = 1000
"""Of values near the target the newest so many are counted: keeps the exact test under 10 ms."""
ROUND_SHARE: Final = 0.2
"""Of ten last digits two are 0 and 5."""
WIDTH: Final = 2
"""Steps in a band beside the target: one even and one odd value, for many read even digits only."""
STEPS: Final[Mapping[str, float]] = {"mmHg": 1.0, "kPa": 0.1, "mg/dL": 1.0, "mmol/L": 0.1}
"""The last digit that is shown, by unit."""


@dataclass(frozen=True, slots=True)
class NotEnough:
    """Too few typed values to say anything."""

    n: int


@dataclass(frozen=True, slots=True)
class RoundDigits:
    """How many of `n` values end in 0 or 5, where a fifth would; `p` that chance gives as many.

    counts: of each last digit, 0 to 9. p_digits: that ten equally likely digits lie so unevenly.
    """

    n: int
    count: int
    p: float
    counts: tuple[int, ...]
    p_digits: float

    @property
    def share(self) -> float:
        """Part of the values that ends in 0 or 5."""
        return self.count / self.n

    def text(self, language: str) -> str:
        """Return the figures as one line for people."""
        percent, chance = f"{100 * self.share:.0f}%", _p_text(self.p)
        return {
            "zh": f"手工录入{self.n}个值，{self.count}个末位为0或5"
            f"（{percent}，均匀时约20%；{chance}）",
            "en": f"{self.count} of {self.n} typed values end in 0 or 5 "
            f"({percent}; about 20% if even; {chance})",
        }[language]


@dataclass(frozen=True, slots=True)
class Heap:
    """How many of `n` values near the target lie just below it and how many just not; `p` that a
    smooth slope of values gives so lopsided a pair."""

    target: float
    n: int
    below: int
    at_or_above: int
    p: float

    def text(self, language: str) -> str:
        """Return the figures as one line for people."""
        target, chance = f"{self.target:g}", _p_text(self.p)
        return {
            "zh": f"目标{target}附近：略低{self.below}个，"
            f"达到或略高{self.at_or_above}个（{chance}）",
            "en": f"near the target of {target}: {self.below} just below it, "
            f"{self.at_or_above} at it or just above ({chance})",
        }[language]


@dataclass(frozen=True, slots=True)
class Typed:
    """What the typed values of a resident, or of a team together, look like."""

    digits: RoundDigits | NotEnough
    heap: Heap | NotEnough


def typed_steps(measurements: Iterable[Measurement], field: str, unit: str) -> list[int]:
    """Return the typed values of `field` in steps of the last digit shown, in the given order.

    Only those in `unit`: 24.0 kPa ends in 0 where 180 mmHg does, and nobody rounded both.
    """
    step = STEPS[unit]
    values = (
        value_of(measurement, field)
        for measurement in measurements
        if measurement.source == MANUAL and measurement.plausible and measurement.unit == unit
    )
    return [round(value / step) for value in values if value is not None]


def examine(steps: Sequence[int], target: float | None, unit: str) -> Typed:
    """Return what typed values look like, in steps, oldest first; beside `target` in `unit`."""
    heap = NotEnough(0) if target is None else heap_below(steps, target, unit)
    return Typed(round_digits(steps), heap)


def examine_team(
    by_resident: Mapping[str, Sequence[int]], target: float | None, unit: str
) -> tuple[Typed, dict[str, Typed]]:
    """Return the team's values together, and each resident's alone."""
    together = [step for steps in by_resident.values() for step in steps]
    alone = {name: examine(steps, target, unit) for name, steps in by_resident.items()}
    return examine(together, target, unit), alone


def round_digits(steps: Sequence[int]) -> RoundDigits | NotEnough:
    """Return the last digits of values in steps; `NotEnough` below `VALUES_MIN`.

    Source: one-sided exact binomial test; Pearson's chi-square over ten digits, 9 degrees.
    """
    n = len(steps)
    if n < VALUES_MIN:
        return NotEnough(n)
    digits = [step % 10 for step in steps]
    counts = tuple(digits.count(digit) for digit in range(10))
    count = counts[0] + counts[5]
    even = n / 10
    chi_square = sum((found - even) ** 2 / even for found in counts)
    return RoundDigits(
        n, count, binomial_tail(n, count, ROUND_SHARE), counts, chi_square_9_tail(chi_square)
    )


def heap_below(steps: Sequence[int], target: float, unit: str) -> Heap | NotEnough:
    """Return the values just below `target` beside those at it or just above.

    Four bands of `WIDTH` steps around the target, where a smooth distribution rises or falls by an
    equal factor from band to band, whatever it is: given how many values there are and the sum of
    their band numbers, what is left is pure chance, so the test is exact. Rounding to 0 and 5 fills
    the upper band of a target that ends so: it can hide a heap, never feign one.
    """
    edge = round(target / STEPS[unit])
    bands = [(step - edge) // WIDTH + 2 for step in steps]
    near = [band for band in bands if 0 <= band <= 3][-NEAR_MAX:]
    if len(near) < VALUES_MIN:
        return NotEnough(len(near))
    upper = sum(band >= 2 for band in near)
    return Heap(
        target, len(near), near.count(1), near.count(2), _smooth_tail(len(near), sum(near), upper)
    )


def binomial_tail(n: int, count: int, share: float) -> float:
    """Return the probability of `count` or more out of `n`, each with probability `share`."""
    if count <= 0:
        return 1.0
    logs = log(share), log1p(-share)
    ways = lgamma(n + 1) - lgamma(count + 1) - lgamma(n - count + 1)
    term = exp(ways + count * logs[0] + (n - count) * logs[1])
    total, odds = 0.0, share / (1 - share)
    for found in range(count, n + 1):
        total += term
        term *= (n - found) / (found + 1) * odds
    return min(1.0, total)


def chi_square_9_tail(value: float) -> float:
    """Return the probability that chi-square with 9 degrees of freedom exceeds `value`.

    Source: Abramowitz and Stegun 26.4.4, odd degrees of freedom.
    """
    root = sqrt(value)
    series, term = 0.0, root
    for odd in (3, 5, 7, 9):
        series += term
        term *= value / odd
    return erfc(root / sqrt(2)) + sqrt(2 / pi) * exp(-value / 2) * series


def _smooth_tail(n: int, band_sum: int, upper: int) -> float:
    """Return the probability of at most `upper` values in the upper two of four bands.

    n values in bands 0 to 3 whose numbers sum up to `band_sum`: the weight of a way to place them
    is n! / (a! b! c! d!), and with u = c + d the others follow: b = sum - 2u - d, a = n - u - b.
    """
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1.0, n + 1)))))
    u, d = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    b = band_sum - 2 * u - d
    a, c = n - u - b, u - d
    possible = (a >= 0) & (b >= 0) & (c >= 0)
    placed = np.stack([part[possible] for part in (a, b, c, d)])
    logs = -log_factorial[placed].sum(axis=0)
    weights = np.exp(logs - logs.max())
    return float(weights[u[possible] <= upper].sum() / weights.sum())


def _p_text(p: float) -> str:
    return "p<0.001" if p < 0.001 else f"p={p:.3f}"
