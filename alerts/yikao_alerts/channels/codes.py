"""Providers that answer 200 to everything and put what they mean into a code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yikao_alerts.channels.outcome import Permanent, Retryable


@dataclass(frozen=True, slots=True)
class Codes:
    """What a provider's codes mean: `permanent` ones stay, `pauses_s` ask for patience.

    A code that is not here is tried again: providers add codes, and a page is not given up for one
    that nobody knows.
    """

    permanent: frozenset[int]
    pauses_s: Mapping[int, float] = field(default_factory=dict)

    def failure(self, code: Any) -> Retryable | Permanent | None:
        """Return what a code means; None for 0, the only one that is an acceptance."""
        # True and 0.0 are no codes: somebody else answers.
        if type(code) is not int:
            return Retryable("answered without a code")
        if code == 0:
            return None
        reason = f"answered code {code}"
        if code in self.permanent:
            return Permanent(reason)
        return Retryable(reason, self.pauses_s.get(code))
