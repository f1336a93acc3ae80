"""The trend detector written once more, one resident and one day at a time, as in its description.

Slow and plain on purpose: the tests hold the fast one against it.
"""

from dataclasses import dataclass, field
from math import isnan, nan, sqrt


def clip(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))


@dataclass
class Plain:
    """State and numbers of one resident, pressure, without a season index."""

    limits: tuple[float, float, float] = (5.4, 4.0, 3.3)
    day: int = -1
    first: int | None = None
    offset_sum: float = 0.0
    offset_n: int = 0
    w: float = 0.0
    s: float = 0.0
    q: float = 0.0
    v: float = 5 * 49.0
    m: float = 5.0
    learned: int = 0
    up: float = 0.0
    down: float = 0.0
    rest_up: int = -1
    rest_down: int = -1
    days: list[tuple[float, float]] = field(default_factory=list)

    def step(self, am: float, pm: float) -> tuple[float, float, float, int]:
        """Return value, z, baseline and alarm of one more day."""
        self.day += 1
        parts = (not isnan(am)) + (not isnan(pm))
        if parts == 2:
            self.offset_sum += clip(am - pm, 40)
            self.offset_n += 1
        offset = (self.offset_sum + 6 * 3) / (self.offset_n + 6)
        there = [x for x in (am - offset, pm) if not isnan(x)]
        value = sum(there) / len(there) if there else nan
        self.days.append((value, parts))
        if there and self.first is None:
            self.first = self.day
        self._learn()
        baseline = self.s / self.w if self.learned >= 8 else nan
        z = nan
        if parts and self.learned >= 8:
            sd, n_eff = sqrt(self.v / self.m), self.w**2 / self.q
            z = clip(
                (value - baseline) / (sd * sqrt((0.9 if parts == 2 else 1.25) + 1.3 / n_eff)), 2.5
            )
        return value, z, baseline, self._alarm(z)

    def _learn(self) -> None:
        fade = 1 - 1 / 56
        self.w, self.s, self.q = self.w * fade, self.s * fade, self.q * fade**2
        if self.day < 14 or not self.days[self.day - 14][1]:
            return
        value, parts = self.days[self.day - 14]
        weight = 1.0 if parts == 2 else 0.7
        centre = self.s / self.w if self.w > 0 else value
        bound = 20.0 if self.learned < 3 else 2.5 * sqrt(self.v / self.m)
        c = clip(value - centre, bound)
        self.w, self.s, self.q = self.w + weight, self.s + weight * (centre + c), self.q + weight**2
        self.learned += 1
        if self.learned >= 4:
            g = 1 - 1 / 120
            self.v = self.v * g + 5 * 49 * (1 - g) + 1.12 * weight * c * c / (1 + 1 / self.w)
            self.m = self.m * g + 5 * (1 - g) + weight

    def _alarm(self, z: float) -> int:
        if isnan(z) or self.first is None or self.day - self.first < 56:
            return 0
        recent = sum(1 for _, parts in self.days[-28:] if parts)
        h = self.limits[0 if recent >= 20 else 1 if recent >= 10 else 2]
        alarm = 0
        if self.day > self.rest_up:
            self.up = max(0.0, self.up + z - 0.75)
            if self.up >= h:
                alarm, self.up, self.rest_up = 1, 0.0, self.day + 14
        if self.day > self.rest_down:
            self.down = max(0.0, self.down - z - 0.75)
            if self.down >= h:
                alarm, self.down, self.rest_down = -1, 0.0, self.day + 14
        return alarm
