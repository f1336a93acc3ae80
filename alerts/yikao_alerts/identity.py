"""Was it you who measured? A reading unlike its owner's is asked about, and waits for the answer.

One cuff serves a household. A reading far from all that a resident ever measures stays out of means
and trends until a nurse or a doctor has asked and written down whose it is; it never stays out of
the crisis rules before that, for a stranger in a crisis needs a doctor too. What turns out to be
another person's no longer speaks for the resident. The question itself is said at home by
`prompts.py`, in the words of the rule.

Rule DQ-05 of the rule set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from yikao_alerts.findings import Finding
from yikao_alerts.rules.forms import OtherPerson
from yikao_alerts.rules.model import RuleSet


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reading that is asked about; the answer is written beside it where it is stored."""

    reading_key: str
    measured_at: datetime
    asked_at: datetime


def new_doubts(
    findings: Iterable[Finding], known: Mapping[str, Doubt], rules: RuleSet, now: datetime
) -> list[Doubt]:
    """Return the doubts that findings of DQ-05 raise and that nobody has raised before."""
    asking = {rule.id for rule in rules.rules if isinstance(rule.form, OtherPerson)}
    keys = {each.trigger: each.at for each in findings if each.rule_id in asking}
    return [Doubt(key, at, asked_at=now) for key, at in keys.items() if key not in known]
