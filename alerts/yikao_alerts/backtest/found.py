"""What a back-test finds, and the one order of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

ACUTE: Final = "acute"
DAILY: Final = "daily"


@dataclass(frozen=True, slots=True)
class Found:
    """A rule was met in a resident. Times are aware.

    at: when the last reading it rests on was made, found_at: when it would have been known live;
    ended_at: when a worklist entry closed by itself, None while open and for findings of readings.
    """

    resident: str
    rule: str
    lane: str
    family: str | None
    severity: str
    level: int
    at: datetime
    found_at: datetime
    confirmed: str
    inputs: tuple[str, ...]
    ended_at: datetime | None = None
    evidence: Mapping[str, Any] | None = None
    """Of a worklist entry: the numbers behind it."""

    def __reduce__(self) -> tuple[type["Found"], tuple[object, ...]]:
        """Return how it is made anew in another process: hundreds of thousands go there, and the
        way of a frozen dataclass, field by field, takes four times as long."""
        return Found, _FIELDS(self)


_FIELDS: Final = attrgetter(*(field.name for field in fields(Found)))
_ORDER: Final = attrgetter("resident", "at", "rule", "confirmed", "inputs", "found_at")


def in_order(findings: Iterable[Found]) -> list[Found]:
    """Return the findings in their one order: by resident, time and rule."""
    return sorted(findings, key=_ORDER)
