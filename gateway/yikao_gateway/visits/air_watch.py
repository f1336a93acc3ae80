"""Notices a radio that has stopped hearing: some adapters hang, and nothing tells.

Where there always was somebody in the air, a silence ten times as long as any before is the
adapter's. It is asked to listen anew, and when that does not help it is reset. In a home where
nothing advertises for days no silence is strange, and nothing is done.

All times are seconds of a monotonic clock, handed in.
"""

from enum import Enum
from typing import Final

HEARD_MIN: Final = 100
"""Advertisements after which the air is known to be lively."""
SILENCE_MIN_S: Final = 60.0
"""No shorter silence is strange: people carry their telephones away."""
STRANGE: Final = 10.0
"""A silence is strange when it is so many times as long as the longest that ended by itself."""
HELP_S: Final = 30.0
"""How long a remedy is given to help; doubled after each reset."""
HELP_MAX_S: Final = 3600.0


class Remedy(Enum):
    """What to do about the silence."""

    NONE = "none"
    RESCAN = "rescan"
    RESET = "reset"


class AirWatch:
    """The silences of one radio."""

    def __init__(self, silence_min_s: float = SILENCE_MIN_S, help_s: float = HELP_S) -> None:
        self._silence_min_s = silence_min_s
        self._first_help_s = self._help_s = help_s
        self._heard = 0
        self._longest_s = 0.0
        self._since_s = float("-inf")
        self._is_natural = False
        self._tried = Remedy.NONE

    @property
    def hears(self) -> bool:
        """Whether something was heard since the last remedy."""
        return self._tried is Remedy.NONE

    def hear(self, at_s: float) -> None:
        """Note that something was heard."""
        if self._is_natural:
            self._longest_s = max(self._longest_s, at_s - self._since_s)
        self._heard += 1
        self._since_s, self._is_natural = at_s, True
        self._tried, self._help_s = Remedy.NONE, self._first_help_s

    def rest(self, at_s: float) -> None:
        """Do not count the silence so far: the radio was busy with a visit, or has just begun."""
        self._since_s, self._is_natural = at_s, False

    def look(self, at_s: float) -> Remedy:
        """Return what to do now; each call that returns a remedy counts as its use."""
        if self._heard < HEARD_MIN:
            return Remedy.NONE
        patience_s = max(self._silence_min_s, STRANGE * self._longest_s)
        if at_s - self._since_s < (patience_s if self._tried is Remedy.NONE else self._help_s):
            return Remedy.NONE
        self._tried = Remedy.RESCAN if self._tried is Remedy.NONE else Remedy.RESET
        if self._tried is Remedy.RESET:
            self._help_s = min(self._help_s * 2, HELP_MAX_S)
        self.rest(at_s)
        return self._tried
