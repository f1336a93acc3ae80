"""When to visit a device that is heard: at once for something new, and never in a tight loop.

A cuff that has measured starts to advertise and soon stops; some meters advertise for ever. So a
device that fell silent and is heard again is visited at once, and one that never falls silent every
`reread_s`. After a visit that brought something the next one is soon, because more may follow;
after each that failed or brought nothing the pause doubles.

All times here are real seconds of a monotonic clock, handed in.
"""

from dataclasses import dataclass
from typing import Final, Protocol

BARREN_MAX: Final = 16
"""Visits without result that are counted; by then the pause has long reached its longest."""
LEFT_ALONE_S: Final = 3600.0
"""A device that only a person can help is tried again after so long: he may have helped unseen, and
what looked hopeless may not have been."""
ATTEMPTS_MAX: Final = 3
"""How often `Once` tries a device."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, in real seconds."""

    reread_s: float = 60.0
    """A device that advertises all the time is read again after so long."""
    gone_s: float = 3.0
    """Unheard for so long, a device was away; advertising intervals are at most about a second."""
    eager_s: float = 1.0
    """The shortest pause between two visits."""


class Attention(Protocol):
    """What the agent remembers of one device while it runs."""

    def hear(self, at_s: float, *, person: bool = False) -> bool:
        """Note an advertisement; return whether it is time for a visit.

        person: somebody is doing something about this device at this moment.
        """
        ...

    def visited(self, at_s: float, *, new_items: int, failed: bool, hopeless: bool = False) -> None:
        """Note the end of a visit; a hopeless one is not soon repeated, unless a person acts."""
        ...


class Watchful:
    """Attention for a gateway that runs for ever."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._heard_s = float("-inf")
        self._visited_s = float("-inf")
        self._pause_s = 0.0
        self._barren = 0
        self._hopeless = False

    def hear(self, at_s: float, *, person: bool = False) -> bool:
        was_away = at_s - self._heard_s >= self._pace.gone_s
        self._heard_s = at_s
        if self._hopeless:
            return at_s - self._visited_s >= (self._shortest_s() if person else LEFT_ALONE_S)
        pause_s = self._shortest_s() if was_away else self._pause_s
        return at_s - self._visited_s >= pause_s

    def visited(self, at_s: float, *, new_items: int, failed: bool, hopeless: bool = False) -> None:
        self._heard_s = self._visited_s = at_s
        self._hopeless = hopeless
        self._barren = 0 if new_items and not failed else min(self._barren + 1, BARREN_MAX)
        drained = not new_items and not failed
        self._pause_s = self._pace.reread_s if drained else self._shortest_s()

    def _shortest_s(self) -> float:
        return float(min(self._pace.reread_s, self._pace.eager_s * 2**self._barren))


class Once:
    """Attention for reading each device a single time, with a few attempts."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._visited_s = float("-inf")
        self._attempts = 0
        self.done = False

    def hear(self, at_s: float, *, person: bool = False) -> bool:
        return not self.done and at_s - self._visited_s >= self._pace.eager_s

    def visited(self, at_s: float, *, new_items: int, failed: bool, hopeless: bool = False) -> None:
        self._visited_s = at_s
        self._attempts += 1
        self.done = not failed or hopeless or self._attempts >= ATTEMPTS_MAX
