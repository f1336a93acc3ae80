"""What a rule can look for: one kind of value for each form, and nothing else can be said.

A form is plain data: limits, counts, days. The engines match on it; a rule file that wants more
needs a new form here first, so that everything a file says is something a program does.

Acute forms look at single readings and pairs; daily forms at means, changes and silence once the
local day has closed; `Targets` never fires, it is there to be read and signed.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from yikao_alerts.limits import Limit

READINGS: Final = "readings"
SESSIONS: Final = "sessions"
IN_SESSION: Final = "in_session"
COUNTED: Final = (READINGS, SESSIONS, IN_SESSION)
"""What `Times` counts: single readings, sessions by their mean, readings within one session."""
ALL_DAY: Final = "all"
MORNING: Final = "morning"
EVENING: Final = "evening"
PARTS: Final = (ALL_DAY, MORNING, EVENING)
UP: Final = "up"
DOWN: Final = "down"


@dataclass(frozen=True, slots=True)
class Times:
    """Met so often: `count` of something within a time, each at least `apart` from the last.

    sessions: the session's mean meets the limits, or one of its readings has the flag. in_session:
    `count` readings of one session meet the rule; `within` and `apart` are not asked for.
    """

    count: int
    of: str
    within: timedelta | None = None
    apart: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class OnReading:
    """A reading, or a symptom, that alone meets the rule; with `times`, only when met so often.

    any: one limit that is reached is enough, or one of `flags`, or `order` broken (the first field
    is not below the second). with_symptoms: and one of these was reported near the reading.
    alone_symptoms: one of these is enough, with or without a reading. contexts: only readings
    taken so; empty: however taken. times: one of them is enough.
    """

    any: tuple[Limit, ...] = ()
    flags: frozenset[str] = frozenset()
    unless_flags: frozenset[str] = frozenset()
    with_symptoms: frozenset[str] = frozenset()
    alone_symptoms: frozenset[str] = frozenset()
    order: tuple[str, str] | None = None
    contexts: frozenset[str] = frozenset()
    times: tuple[Times, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """A difference between two readings: `after` minus `before`, at most `within` apart.

    any: limits on the differences, so their numbers are negative. before, after: contexts.
    """

    any: tuple[Limit, ...]
    within: timedelta
    before: frozenset[str] = frozenset({"seated"})
    after: frozenset[str] = frozenset({"standing"})


@dataclass(frozen=True, slots=True)
class Gain:
    """So many kg more than the lightest reading of the time before."""

    kg: float
    within: timedelta


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of the readings of `days`, of a part of the day, reaches one limit of `any`.

    and_part, and_all: besides, the mean of that other part reaches every limit of `and_all`.
    Fewer than min_readings, min_days (with a reading) or min_mornings: no answer, never a guess.
    contexts: only readings taken so; empty: however taken. drop_first: the first day of a new
    series is left out.
    """

    days: int
    any: tuple[Limit, ...]
    min_readings: int = 1
    min_days: int = 1
    min_mornings: int = 0
    part: str = ALL_DAY
    and_part: str | None = None
    and_all: tuple[Limit, ...] = ()
    contexts: frozenset[str] = frozenset()
    drop_first: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard deviation of the day means over `days` reaches a limit.

    min_span: first and last day at least so far apart. min_days: days with a reading.
    """

    any: tuple[Limit, ...]
    days: int
    min_days: int
    min_span: int


@dataclass(frozen=True, slots=True)
class Change:
    """A lasting change of the resident's own level, by the detector of trends.

    signal: the field, `systolic` or `glucose` (fasting). shift: the estimate has to reach it, in
    `unit` (mmHg, or % of the level before), positive up, negative down. mean7: besides, the mean
    of 7 days reaches it.
    """

    signal: str
    direction: str
    shift: float
    unit: str
    mean7: Limit | None = None


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of the time: values that reach every limit of `all` make up `op` `pct` of it."""

    all: tuple[Limit, ...]
    op: str
    pct: float


@dataclass(frozen=True, slots=True)
class Share:
    """Parts of the time of a sensor over `days`, worn at least `wear_pct`: one is enough.

    cv_above_pct: or the coefficient of variation is above it.
    """

    days: int
    wear_pct: float
    any: tuple[Portion, ...]
    cv_above_pct: float | None = None


@dataclass(frozen=True, slots=True)
class LateData:
    """A reading that arrived later than `RuleSet.late` calls fresh."""


@dataclass(frozen=True, slots=True)
class ClockError:
    """A time that cannot be: ahead of the server, of an old year, or flagged by the gateway.

    offset: how wrong a device's clock may be; the gateway, which sees both clocks, judges it.
    """

    flag: str
    future: timedelta
    offset: timedelta
    year_min: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value of `field` from `low` to `high` called `unit` that may well be in the `other` one.

    habit: only where the resident's history is in that unit. sources: only readings from there;
    empty: from anywhere. `unit` is what was said, or what silence is taken for.
    """

    field: str
    unit: str
    other: str
    low: float
    high: float
    habit: str | None = None
    sources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UnitDoubt:
    """A number that is more likely in the other unit; one doubt is enough."""

    any: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class OtherPerson:
    """A reading unlike the resident's own: squared Mahalanobis distance above `d2_above`."""

    d2_above: float


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """A device not seen before; trends start anew and are masked for so long."""

    mask: timedelta


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing measured: the resident is reminded after `remind_days`, the team after `days`."""

    remind_days: int
    days: int


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets of the templates that name the rule; it never fires."""


Form = (
    OnReading
    | Drop
    | Gain
    | Mean
    | Spread
    | Change
    | Share
    | LateData
    | ClockError
    | UnitDoubt
    | OtherPerson
    | DeviceChange
    | Silence
    | Targets
)
ACUTE: Final = (OnReading, Drop, Gain, LateData, ClockError, UnitDoubt, OtherPerson, DeviceChange)
DAILY: Final = (Mean, Spread, Change, Share, Silence)
