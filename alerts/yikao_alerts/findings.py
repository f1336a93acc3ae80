"""What a look at a resident can say: a rule is met, or it is met and yet nothing follows, and why.

A finding may ask for somebody; a refusal is the answer to "why did nobody ring?". Both name the
readings they rest on, the first of them the one that set them off.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yikao_alerts.rules.model import SEVERITIES, Rule


class Why(StrEnum):
    """Why a reading that meets a rule is no finding."""

    AWAITING_REPEAT = "awaiting_repeat"
    NOT_CONFIRMED = "not_confirmed"
    REPEATS_EARLIER = "repeats_earlier"
    COVERED_BY_WORSE = "covered_by_worse"
    TOO_OLD = "too_old"


CONFIRMED: Final = "confirmed"
UNCONFIRMED: Final = "unconfirmed"
NOT_NEEDED: Final = "not_needed"
DOWNGRADED: Final = "downgraded"
UPGRADED: Final = {"today": "upgraded_today", "page_now": "upgraded_page_now"}
THREE_IN_A_ROW: Final = "three_in_a_row"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule is met. `inputs` are the keys of the readings it rests on, the first the trigger.

    confirmed: `confirmed`, `unconfirmed` (nobody replied, or it pages before a repeat),
    `not_needed`; `upgraded_today`, `upgraded_page_now` and `downgraded` where something besides the
    rule made it more or less severe (`because`), before its age could lower it; `three_in_a_row`
    of the implausible. unit_unclear: the value is told in a unit that may not be its own (DQ-02).
    """

    rule_id: str
    family: str | None
    severity: str
    level: int
    at: datetime
    confirmed: str
    inputs: tuple[str, ...]
    statistic: dict[str, float]
    ask_again: bool
    late: bool = False
    waited_until: datetime | None = None
    """Until when a reply was awaited that did not come."""
    unit_unclear: bool = False
    because: tuple[str, ...] = ()

    @property
    def trigger(self) -> str:
        """The reading or symptom report that set it off."""
        return self.inputs[0]

    @property
    def weight(self) -> tuple[int, int]:
        """How much it asks for: severity first, then the level within the family."""
        return SEVERITIES.index(self.severity), self.level


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule was met and yet nothing follows, or not yet; `until`: when it may be otherwise."""

    rule_id: str
    family: str | None
    why: Why
    at: datetime
    inputs: tuple[str, ...]
    statistic: dict[str, float]
    until: datetime | None = None
    by: str | None = None

    @property
    def trigger(self) -> str:
        """The reading that met the rule."""
        return self.inputs[0]


Decided = Finding | Refusal


def finding(
    rule: Rule,
    at: datetime,
    inputs: tuple[str, ...],
    statistic: dict[str, float],
    confirmed: str,
    waited_until: datetime | None = None,
) -> Finding:
    """Return that `rule` is met, as severe as it says itself."""
    return Finding(
        rule.id,
        rule.family,
        rule.severity,
        rule.level,
        at,
        confirmed,
        inputs,
        statistic,
        ask_again=rule.ask_again and rule.protocol is None,
        waited_until=waited_until,
    )


def refused(item: Decided, why: Why, by: str | None = None) -> Refusal:
    """Return the item as one from which nothing follows, for this reason."""
    until = item.until if isinstance(item, Refusal) else None
    return Refusal(item.rule_id, item.family, why, item.at, item.inputs, item.statistic, until, by)
