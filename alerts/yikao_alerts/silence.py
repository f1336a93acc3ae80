"""Nothing measured: how long, against what was planned, why, and whose turn it is to ask.

What is expected comes from the doctor's plan, or else from the resident's own last four weeks, by
day part: who measures twice a week is not silent after three days. Why there is nothing, as far as
machines can tell: the resident did not measure, the device is dead, the gateway is, or the cloud
lost them all at once. Each has its owner; silence is never read as health.

Rule DQ-06 of the rule set has the days. In an open crisis half an hour is too long already: that
silence belongs to the re-check (`course.py`), and pages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

from yikao_alerts.compose import load_texts
from yikao_alerts.daily.columns import DAY_BEGINS, MORNING_MINUTES
from yikao_alerts.rules.forms import EVENING, MORNING, Silence

HABIT_DAYS: Final = 28
"""A habit is what the last four weeks show, up to the last reading."""
HABIT_DAYS_MIN: Final = 7
"""A new resident's first days are counted as a week: three readings are no daily habit yet."""
LONGEST: Final = 14
"""In days. D: after so long without a reading the team hears of it, however rare the habit."""
GATEWAY_QUIET: Final = timedelta(hours=1)
"""A gateway that has said nothing for so long is taken for dead: it speaks every few minutes."""
DEVICE_QUIET: Final = timedelta(days=7)
"""D: a device not heard for so long may be broken. A cuff is heard only when it is used."""
CLOUD_SHARE: Final = 0.5
CLOUD_MIN: Final = 3
"""Half of all gateways, and at least three, quiet at once: the fault is on our side."""
NURSE_AFTER: Final = timedelta(hours=72)
"""What the family has not put right by then is the nurse's, as the severities of the rules say."""

Part = tuple[date, str]
"""A local day, and `morning` or `evening`."""


class Step(StrEnum):
    """What follows."""

    NOTHING = "nothing"
    REMIND = "remind"
    TEAM = "team"


class Cause(StrEnum):
    """Why nothing comes, as far as machines can tell."""

    RESIDENT = "resident"
    DEVICE = "device"
    GATEWAY = "gateway"
    CLOUD = "cloud"


class Owner(StrEnum):
    """Whose turn it is."""

    FAMILY = "family"
    NURSE = "nurse"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Expected:
    """How many readings a day are expected in each day part, by weekday (Monday is 0).

    Between 0 and 1 each: a plan says 0 or 1, a habit the share of days.
    """

    by_day: Mapping[tuple[int, str], float] = field(default_factory=dict)
    planned: bool = False

    def days(self, first: date, last: date) -> float:
        """Return how many days with a reading are expected from `first` to `last`, included."""
        days = range((last - first).days + 1)
        return sum(self._day((first + timedelta(days=n)).weekday()) for n in days)

    def _day(self, weekday: int) -> float:
        return max(self.by_day.get((weekday, part), 0.0) for part in (MORNING, EVENING))


@dataclass(frozen=True, slots=True)
class Gateway:
    """A home's gateway as the server last heard of it; None: it has never said so."""

    online: bool | None
    seen_at: datetime | None

    def alive(self, now: datetime) -> bool:
        """Return whether it speaks."""
        return bool(self.online) and self.seen_at is not None and now - self.seen_at < GATEWAY_QUIET


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many gateways of the installation ever spoke, and how many of them are quiet now."""

    count: int
    quiet: int

    @classmethod
    def of(cls, gateways: Iterable[Gateway], now: datetime) -> Self:
        """Return the fleet of all gateways; one that never spoke is not in use yet."""
        alive = [each.alive(now) for each in gateways if each.seen_at is not None]
        return cls(len(alive), alive.count(False))

    @property
    def lost(self) -> bool:
        """Whether so many are quiet at once that the fault is on our side."""
        return self.quiet >= max(CLOUD_MIN, CLOUD_SHARE * self.count)


@dataclass(frozen=True, slots=True)
class Device:
    """A resident's device as the gateway last heard of it."""

    seen_at: datetime | None = None
    battery_low: bool = False


@dataclass(frozen=True, slots=True)
class Silent:
    """How silent a resident is.

    since: the last day with a reading, None where there never was one. days: since then, today not
    counted. missed: of the expected days. behind: not measured as planned, the blue label. cause
    and owner: None as long as nothing follows.
    """

    since: date | None
    days: int
    missed: float
    step: Step
    behind: bool
    cause: Cause | None = None
    owner: Owner | None = None

    def because(self, cause: Cause, owner: Owner) -> "Silent":
        """Return it with the cause and whose turn it is."""
        return replace(self, cause=cause, owner=owner)

    def text(self, language: str) -> str:
        """Return who is to do what, in a line for the team."""
        if self.cause is None or self.owner is None:
            return ""
        texts = load_texts(language)["silence"]
        why = texts[f"because_{self.cause}"]
        return texts["line"].format(days=self.days, why=why, who=texts[f"owner_{self.owner}"])

    def evidence(self) -> Mapping[str, str | int | float]:
        """Return the facts of a worklist entry."""
        facts: dict[str, str | int | float] = {"what": "silence", "days": self.days}
        facts["missed"] = round(self.missed, 1)
        if self.since is not None:
            facts["last_day"] = self.since.isoformat()
        if self.cause is not None and self.owner is not None:
            facts |= {"cause": str(self.cause), "owner": str(self.owner)}
        return facts


def day_part(at: datetime, zone: ZoneInfo) -> Part:
    """Return the day and part of a reading; what is measured before four belongs to the evening of
    the day before."""
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute - DAY_BEGINS
    day = local.date() - timedelta(days=1) if minute < 0 else local.date()
    return day, MORNING if 0 <= minute < MORNING_MINUTES else EVENING


def habit(parts: Iterable[Part]) -> Expected:
    """Return what the last four weeks up to the last reading let expect, on any weekday."""
    held = set(parts)
    if not held:
        return Expected()
    last = max(day for day, _ in held)
    first = max(min(day for day, _ in held), last - timedelta(days=HABIT_DAYS - 1))
    span = max((last - first).days + 1, HABIT_DAYS_MIN)
    recent = [(day, part) for day, part in held if day >= first]
    shares = {part: sum(p == part for _, p in recent) / span for part in (MORNING, EVENING)}
    # Who measures sometimes in the morning and sometimes in the evening has readings on more days
    # than either part shows: the fuller part stands for the day.
    whole = len({day for day, _ in recent}) / span
    shares[max(shares, key=shares.__getitem__)] = whole
    return Expected({(day, part): share for day in range(7) for part, share in shares.items()})


def plan(parts: Iterable[tuple[int, str]]) -> Expected:
    """Return what a doctor's plan expects: weekdays (Monday is 0) and parts of the day."""
    return Expected(dict.fromkeys(parts, 1.0), planned=True)


def silence(
    rule: Silence, expected: Expected, since: date | None, enrolled: date, today: date
) -> Silent:
    """Return how silent a resident is at the beginning of `today`.

    since: the last day with a reading of what is expected. Without a plan or a habit nothing can be
    missed; then the days since enrolment count. The resident is reminded once `rule.remind_days`
    expected days were missed; the team hears of it if that took `rule.days` days or more, or after
    `LONGEST`. Whoever measures once a week is not silent after a week.
    """
    begin = since or enrolled
    days = max(0, (today - begin).days - 1)
    if since is None:
        days = max(0, (today - enrolled).days)
    missed = expected.days(begin + timedelta(days=1), today - timedelta(days=1)) if days else 0.0
    if not expected.by_day:
        missed = float(days)
    step = Step.NOTHING
    if days >= LONGEST or (days >= rule.days and missed >= rule.remind_days):
        step = Step.TEAM
    elif missed >= rule.remind_days:
        step = Step.REMIND
    return Silent(since, days, missed, step, behind=step is not Step.NOTHING)


def cause_of(
    now: datetime,
    gateway: Gateway,
    devices: Sequence[Device],
    fleet: Fleet,
    last_reading_at: datetime | None,
) -> Cause:
    """Return why nothing comes, as far as machines can tell.

    fleet: all gateways of the installation, this one too. A device that was heard after the last
    reading works; one that was not is doubted only after `DEVICE_QUIET`, or when its battery was
    low.
    """
    if not gateway.alive(now):
        return Cause.CLOUD if fleet.lost else Cause.GATEWAY
    if devices and all(_dead(device, now, last_reading_at) for device in devices):
        return Cause.DEVICE
    return Cause.RESIDENT


def _dead(device: Device, now: datetime, last_reading_at: datetime | None) -> bool:
    if device.battery_low:
        return True
    heard = max((at for at in (device.seen_at, last_reading_at) if at is not None), default=None)
    return heard is None or now - heard >= DEVICE_QUIET


def owner_of(cause: Cause, step: Step, known_for: timedelta) -> Owner:
    """Return whose turn it is; known_for: how long the cause has been there."""
    match cause:
        case Cause.CLOUD:
            return Owner.OPERATOR
        case Cause.DEVICE | Cause.GATEWAY:
            return Owner.NURSE if known_for >= NURSE_AFTER else Owner.FAMILY
        case Cause.RESIDENT:
            return Owner.NURSE if step is Step.TEAM else Owner.FAMILY


def reminder(language: str) -> str:
    """Return what the resident is told at home."""
    return load_texts(language)["silence"]["reminder"]
