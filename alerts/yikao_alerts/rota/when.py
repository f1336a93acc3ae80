"""Which moment is half past seven in the evening at the centre, and is today a working day there?

Days follow each other at the centre's wall clock. Where summer time begins, an hour of it does not
exist: a time in it is the moment the same wait after the clock was put forward. Where it ends, an
hour is there twice: its first pass counts. Source: PEP 495 (fold 0), IANA time zone database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAY: Final = "workday"
OFFDAY: Final = "offday"
DAY_WORDS: Final = (*WEEKDAYS, WORKDAY, OFFDAY)
"""Days that hours may name: of the week, or what the table of holidays makes of them."""
EVERY_DAY: Final = frozenset(WEEKDAYS)

Holidays = Mapping[date, str]
"""Days that are not what their weekday says: a holiday is an `OFFDAY`, a Sunday worked instead of
a bridge day a `WORKDAY`."""


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, when the centre's clock shows `at` on `day`."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the centre's calendar day at `at`."""
    return at.astimezone(zone).date()


def kind_of_day(day: date, holidays: Holidays) -> str:
    """Return `WORKDAY` or `OFFDAY`: as the table says, else by the weekday."""
    return holidays.get(day, WORKDAY if day.weekday() < 5 else OFFDAY)


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of some days: from `begin` to `end`, into the next day where `end` is not later.

    A window belongs to the day on which it begins: the night of Friday lasts until Saturday.
    """

    days: frozenset[str]
    begin: time
    end: time

    def window(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return when the window of `day` begins and ends (UTC)."""
        last = day if self.begin < self.end else day + DAY
        return moment(day, self.begin, zone), moment(last, self.end, zone)

    def on_day(self, day: date, holidays: Holidays) -> bool:
        """Return whether a window begins on `day`."""
        return WEEKDAYS[day.weekday()] in self.days or kind_of_day(day, holidays) in self.days

    def contain(self, at: datetime, zone: ZoneInfo, holidays: Holidays) -> bool:
        """Return whether `at` lies in a window."""
        day = local_day(at, zone)
        for first in (day - DAY, day):
            begin, end = self.window(first, zone)
            if begin <= at < end and self.on_day(first, holidays):
                return True
        return False

    def edges(
        self, begin: datetime, end: datetime, zone: ZoneInfo, holidays: Holidays
    ) -> Iterator[datetime]:
        """Yield when windows that touch `begin` to `end` begin and end, in no order."""
        for day in days_around(begin, end, zone):
            if self.on_day(day, holidays):
                yield from self.window(day, zone)


def days_around(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[date]:
    """Yield the centre's days from the one before `begin` to the one after `end`."""
    day, last = local_day(begin, zone) - DAY, local_day(end, zone) + DAY
    while day <= last:
        yield day
        day += DAY
