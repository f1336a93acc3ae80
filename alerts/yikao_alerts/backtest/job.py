"""What a back-test is asked for, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.found import Found
from yikao_alerts.backtest.instants import micros_of
from yikao_alerts.backtest.tally import Tally
from yikao_alerts.backtest.trace import Trace
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import ClockError
from yikao_alerts.rules.model import RuleSet

NOBODY: Final = Resident(targets={})
"""A resident of whom nothing is known."""
HOME_ZONE: Final = ZoneInfo("Asia/Shanghai")


class BacktestError(Exception):
    """Readings that cannot be looked at as they are; says what to do."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for. rules: the set on trial, then, if any, the one it stands against.

    people: by name; others are ones of whom nothing is known. jobs: processes. trace,
    examples: what else is wanted.
    """

    rules: tuple[RuleSet, ...]
    people: Mapping[str, Resident] = field(default_factory=dict)
    zone: ZoneInfo = HOME_ZONE
    jobs: int = 1
    trace: bool = False
    examples: bool = False

    def of(self, names: Sequence[str]) -> list[Resident]:
        """Return the residents of these names."""
        return [self.people.get(name, NOBODY) for name in names]

    @property
    def believed_from(self) -> int:
        """Microseconds since 1970; a time before it is of a clock that was never set."""
        forms = [rule.form for rules in self.rules for rule in rules.rules]
        years = [form.year_min for form in forms if isinstance(form, ClockError)]
        return micros_of(datetime(max(years, default=1970), 1, 1, tzinfo=self.zone))


@dataclass(frozen=True, slots=True)
class Result:
    """What was found, in order, for each rule set of the job; what was looked at; and, where asked
    for, by the set on trial, day by day how each resident stood, and the rows of a few of them."""

    findings: tuple[tuple[Found, ...], ...]
    tally: Tally
    traces: Mapping[str, Trace]
    examples: Mapping[str, Columns]
