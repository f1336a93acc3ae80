"""How a resident stands: a colour that is always a word and a shape as well, and why.

Red, yellow and green are by rules; grey means too little is known and is never shown as green;
blue means that nothing was ever measured. A doctor's own word stands above all, until it expires.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from yikao_alerts.feed.care_rows import LabelRow, OverrideRow
from yikao_alerts.feed.reasons import label_reasons
from yikao_alerts.feed.words import Words
from yikao_alerts.rules import RuleSet

LABELS: Final = ("red", "yellow", "green", "grey", "blue")
UNKNOWN: Final = "grey"
"""What is shown where there is no label yet, or one that this version does not know."""
SHAPES: Final = {"red": "red", "yellow": "amber", "green": "well", "grey": "grey", "blue": "empty"}
OVERRIDE_DAYS: Final = (1, 3, 7, 14, 28)
"""For how long a person's word may stand: then the rules decide again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A label as shown: `shape` and `word` beside the colour, `by_rules` where a person differs."""

    label: str
    shape: str
    word: str
    reasons: tuple[str, ...]
    by_person: bool = False
    by_rules: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a resident's history of labels: by the rules, or a person's word."""

    at: datetime
    standing: Standing
    person: OverrideRow | None


def standing_of(
    label: str | None,
    reasons: Sequence[Mapping[str, Any]],
    own: str | None,
    words: Words,
    rules: RuleSet,
) -> Standing:
    """Return how a resident stands; `own` is a person's word that is still valid."""
    by_rules = _known(label)
    told = label_reasons(words, reasons, rules)
    if not told and label is None:
        told = [words("label_reason.none_yet")]
    shown = _known(own) if own else by_rules
    word = words(f"label.{shown}")
    differs = own is not None
    return Standing(
        shown,
        SHAPES[shown],
        word,
        tuple(told),
        differs,
        words(f"label.{by_rules}") if differs else None,
    )


def override_at(overrides: Sequence[OverrideRow], now: datetime) -> OverrideRow | None:
    """Return the person's word that stands at `now`: the newest, as long as it is valid."""
    return overrides[0] if overrides and overrides[0].expires_at > now else None


def changes_of(
    labels: Sequence[LabelRow], overrides: Sequence[OverrideRow], words: Words, rules: RuleSet
) -> list[Change]:
    """Return labels and words of people in one line of time, the newest first."""
    changes = [
        Change(row.at, standing_of(row.label, row.reasons, None, words, rules), None)
        for row in labels
    ]
    changes += [
        Change(row.set_at, standing_of(row.label, (), None, words, rules), row) for row in overrides
    ]
    return sorted(changes, key=lambda change: change.at, reverse=True)


def _known(label: str | None) -> str:
    return label if label in LABELS else UNKNOWN
