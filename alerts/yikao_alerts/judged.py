"""What a look at one resident says, of all that it was given: the one place that decides.

The live evaluator and whoever computes a record again call the same function, so that a decision
can be repeated a year later to the last byte.
"""

from dataclasses import replace

from yikao_alerts.evaluate import Evaluation, evaluate
from yikao_alerts.history import LOOK_BACK
from yikao_alerts.record import Given
from yikao_alerts.rules.model import RuleSet


def judged(given: Given, rules: RuleSet) -> Evaluation:
    """Return what `rules` find in what is given, as far as it rests on what is new.

    What arrived before the look-back window had its effect then, and is looked at only beside what
    came after it. What closed days found that is for today comes from the daily lane as it is.
    """
    said = evaluate(given.history, given.resident, rules, given.now)
    if not (said.findings or said.refusals or given.told):
        return said
    since = given.now - LOOK_BACK
    fresh = {m.key for m in given.history.measurements if m.received_at > since}
    fresh |= {s.key for s in given.history.symptoms if s.received_at > since}
    return replace(
        said,
        findings=(*(f for f in said.findings if fresh.intersection(f.inputs)), *given.told),
        refusals=tuple(r for r in said.refusals if fresh.intersection(r.inputs)),
    )
