"""Was it you who measured? A reading unlike its owner's is asked about, and waits for the answer.

One cuff serves a household. A reading far from all that a resident ever measures stays out of means
and trends until a nurse or a doctor has asked and written down whose it is; it never stays out of
the crisis rules before that, for a stranger in a crisis needs a doctor too. What turns out to be
another person's no longer speaks for the resident. The question itself is said at home by
`prompts.py`, in the words of the rule.

Rule DQ-05 of the rule set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from yikao_alerts.findings import Finding
from yikao_alerts.history import History
from yikao_alerts.rules.forms import OtherPerson
from yikao_alerts.rules.model import RuleSet


class Whose(StrEnum):
    """What a nurse or a doctor found out."""

    OWN = "own"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reading that was asked about, and the answer; None as long as nobody has given one."""

    reading_key: str
    measured_at: datetime
    asked_at: datetime
    answer: Whose | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None


def new_doubts(
    findings: Iterable[Finding], known: Mapping[str, Doubt], rules: RuleSet, now: datetime
) -> list[Doubt]:
    """Return the doubts that findings of DQ-05 raise and that nobody has raised before."""
    asking = {rule.id for rule in rules.rules if isinstance(rule.form, OtherPerson)}
    keys = {each.trigger: each.at for each in findings if each.rule_id in asking}
    return [Doubt(key, at, asked_at=now) for key, at in keys.items() if key not in known]


def answered(doubt: Doubt, answer: Whose, by: str, now: datetime) -> Doubt:
    """Return the doubt with a person's answer; a later answer replaces an earlier one."""
    return replace(doubt, answer=answer, answered_at=now, answered_by=by)


def aside(doubts: Iterable[Doubt]) -> frozenset[str]:
    """Return the keys of the readings that stay out of means, trends, profile and labels."""
    return frozenset(each.reading_key for each in doubts if each.answer is not Whose.OWN)


def own(history: History, doubts: Iterable[Doubt]) -> History:
    """Return the history without what is known to be another person's.

    What nobody has answered yet stays in: the crisis rules look at it.
    """
    others = {each.reading_key for each in doubts if each.answer is Whose.OTHER}
    if not others:
        return history
    kept = tuple(m for m in history.measurements if m.key not in others)
    return replace(history, measurements=kept)
