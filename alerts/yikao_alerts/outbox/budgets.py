"""How much an address may get: what providers let through, and what a person can bear.

A red page counts against red pages alone; what is for today takes at most half of an address's
budget, so that it never stands in the way of a red one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yikao_alerts.channels.kinds import BUDGETS, Budget

YELLOW_SHARE: Final = 2
"""What is for today may use one part in so many of a budget, and one message at least."""
LOOK_BACK: Final = timedelta(
    seconds=max(budget.window_s for budgets in BUDGETS.values() for budget in budgets)
)
"""Messages older than this bear on no budget."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was made for an address, at what time, and for whom of those who share it."""

    at: datetime
    red: bool
    doctor_id: str | None


def free_at(channel: str, sent: Iterable[Sent], red: bool, now: datetime) -> datetime:
    """Return when an address may get its next message: `now`, unless its budget is used up."""
    counted = sorted(each.at for each in sent if each.red or not red)
    times = [_free_at(budget, counted, red, now) for budget in BUDGETS.get(channel, ())]
    return max(times, default=now)


def _free_at(budget: Budget, times: list[datetime], red: bool, now: datetime) -> datetime:
    window = timedelta(seconds=budget.window_s)
    most = budget.count if red else max(1, budget.count // YELLOW_SHARE)
    used = [at for at in times if at > now - window]
    return used[-most] + window if len(used) >= most else now
