"""A session at home with the real rules: readings arrive, the display asks, the person replies.

Only what the rules ask for is measured further, and nobody's reply depends on who else was asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from yikao_alerts.evaluate import Evaluation, Why, evaluate
from yikao_alerts.history import BLOOD_PRESSURE, Measurement, history_of, key_of
from yikao_alerts.resident import Resident
from yikao_alerts.rules import RuleSet
from yikao_sim.town.readings import Block
from yikao_sim.town.replies import Place, reply
from yikao_sim.town.vitals import Beside

NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC) - timedelta(hours=8)
"""Day 0 of all runs, local time of the centre (UTC+8)."""
CUFF = "cuff"
NOBODY_KNOWN = Resident()
ASKS_MAX = 20
"""No protocol asks so often in one sitting: a loop that does is a fault."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """What came of a session: the rule that paged and how, None for no page; further readings that
    were asked for; whether somebody was asked and did not reply."""

    paged_by: str | None
    asked: int
    silent: bool


def sit(block: Block, extra: Beside, place: Place, rules: RuleSet) -> Sitting:
    """Return what comes of one session under the rules, up to its first page."""
    waiting = list(_habitual(block, extra, place))
    made: list[Measurement] = []
    for asked in range(ASKS_MAX):
        while waiting:
            made.append(waiting.pop(0))
            evaluation = _look(made, rules, made[-1].received_at)
            if page := _page(evaluation):
                return Sitting(page, asked, silent=False)
        if not any(refusal.why is Why.AWAITING_REPEAT for refusal in evaluation.refusals):
            return Sitting(None, asked, silent=False)
        answer = reply(block, place, asked + 1)
        if answer is None:
            return Sitting(_after_waiting(made, rules, evaluation), asked + 1, silent=True)
        at = made[-1].at + timedelta(seconds=answer.after_s)
        values = (answer.systolic, answer.diastolic, answer.pulse)
        waiting.append(_measured(at, answer.arrival_s, values))
    raise AssertionError(f"asked {ASKS_MAX} times in one session: {place}")


def _after_waiting(made: list[Measurement], rules: RuleSet, last: Evaluation) -> str | None:
    """Return what pages when nobody replies to what is awaited."""
    until = max(refusal.until for refusal in last.refusals if refusal.until)
    return _page(_look(made, rules, until))


def _look(made: list[Measurement], rules: RuleSet, now: datetime) -> Evaluation:
    return evaluate(history_of(made, ()), NOBODY_KNOWN, rules, now)


def _page(evaluation: Evaluation) -> str | None:
    for finding in evaluation.findings:
        if finding.severity == "page_now":
            return f"{finding.rule_id} {finding.confirmed}"
    return None


def _habitual(block: Block, extra: Beside, place: Place) -> Iterator[Measurement]:
    at = (place.person, place.day, place.session)
    midnight = NEW_YEAR + timedelta(days=place.day)
    for number in np.flatnonzero(~np.isnan(block.systolic[at])).tolist():
        values = tuple(
            float(column[at][number]) for column in (block.systolic, extra.diastolic, extra.pulse)
        )
        when = midnight + timedelta(seconds=int(extra.second[at][number]))
        yield _measured(when, int(extra.arrival_s[at][number]), values)


def _measured(at: datetime, arrival_s: int, values: tuple[float, ...]) -> Measurement:
    return Measurement(
        key=key_of(BLOOD_PRESSURE, CUFF, at),
        kind=BLOOD_PRESSURE,
        at=at,
        received_at=at + timedelta(seconds=arrival_s),
        unit="mmHg",
        values=dict(zip(("systolic", "diastolic", "pulse"), values, strict=True)),
        device=CUFF,
        context="seated",
    )
