"""Which providers work at the moment, as far as their last answers tell.

A provider that fails again and again gets one page at a time until it takes one, so that it does
not hold all slots while others could send. The pages that wait for it go to other contacts.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from yikao_alerts.channels.outcome import Ambiguous, Outcome, Retryable

FAILURES: Final = 5
"""One after another: then a provider counts as down."""
SHARE: Final = 0.75
"""Of the slots, for one provider that works: the rest is for the others."""


@dataclass(slots=True)
class Breakers:
    """Counts what came of the last pages, by provider: those that failed since one was taken."""

    _failed: Counter[str] = field(default_factory=Counter)

    def note(self, provider: str, outcome: Outcome) -> None:
        """Take an outcome into account. A provider that says when to come again is at work."""
        match outcome:
            case Ambiguous() | Retryable(_, None):
                self._failed[provider] += 1
            case _:
                del self._failed[provider]

    @property
    def down(self) -> list[str]:
        """The providers that count as down."""
        return [provider for provider, failed in self._failed.items() if failed >= FAILURES]

    def most(self, provider: str, slots: int) -> int:
        """Return how many pages a provider may have under way, of so many slots."""
        return 1 if self._failed[provider] >= FAILURES else max(1, int(slots * SHARE))

    def full(self, under_way: Iterable[str], slots: int) -> list[str]:
        """Return the providers that get no further page now."""
        counts = Counter(under_way)
        return [provider for provider, n in counts.items() if n >= self.most(provider, slots)]
