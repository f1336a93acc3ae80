"""What a back-test finds: one line for each finding, as a person or a program reads it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isnan
from operator import attrgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

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

    def as_json(self, zone: ZoneInfo) -> dict[str, Any]:
        """Return the finding as it stands in the output, its times in a zone."""
        shown: dict[str, Any] = {
            "resident": self.resident,
            "rule": self.rule,
            "at": self.at.astimezone(zone).isoformat(),
            "severity": self.severity,
            "confirmed": self.confirmed,
            "inputs": list(self.inputs),
            "found_at": self.found_at.astimezone(zone).isoformat(),
            "lane": self.lane,
        }
        if self.ended_at is not None:
            shown["ended_at"] = self.ended_at.astimezone(zone).isoformat()
        if self.evidence is not None:
            shown["evidence"] = _known(self.evidence)
        return shown


def _known(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers as JSON can say them: what is not known is null."""
    plain: dict[str, Any] = {}
    for key, value in evidence.items():
        if isinstance(value, Mapping):
            plain[key] = _known(value)
        else:
            plain[key] = None if isinstance(value, float) and isnan(value) else value
    return plain


_ORDER: Final = attrgetter("resident", "at", "rule", "confirmed", "inputs", "found_at")


def in_order(findings: Iterable[Found]) -> list[Found]:
    """Return the findings in their one order: by resident, time and rule."""
    return sorted(findings, key=_ORDER)
