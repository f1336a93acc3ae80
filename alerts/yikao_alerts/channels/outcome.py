"""What can come of handing a page to a provider. Four results, and never an exception.

A provider's acceptance is read from its answer's body; an HTTP status alone is no acceptance.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """The provider has it, under this number."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Retryable:
    """Not taken; try again, no sooner than `after_s` when the provider says so."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Permanent:
    """Not taken, and never will be: another contact is needed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It was handed over and no answer came: it may have arrived. Sent again under the same id."""

    reason: str


Outcome = Delivered | Retryable | Permanent | Ambiguous
