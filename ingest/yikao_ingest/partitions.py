"""The months into which plain PostgreSQL divides its readings."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

_FORM: Final = "reading_%Y_%m"


def months(times: Iterable[object]) -> set[datetime]:
    """Return the first moments, in UTC, of the months that aware `times` fall into."""
    in_utc = (moment.astimezone(UTC) for moment in times if isinstance(moment, datetime))
    found = {(moment.year, moment.month) for moment in in_utc}
    return {datetime(year, month, 1, tzinfo=UTC) for year, month in found}


def after(month: datetime) -> datetime:
    """Return the first moment of the month after `month`, itself a first moment."""
    year, number = divmod(month.year * 12 + month.month, 12)
    return month.replace(year=year, month=number + 1)


def partition(month: datetime) -> tuple[str, str, str]:
    """Return a month's partition: its name, its first moment, and the first after it."""
    return month.strftime(_FORM), month.isoformat(), after(month).isoformat()


def names_between(first: datetime, last: datetime) -> Iterator[str]:
    """Yield the names of the partitions from that of one time to that of a later one."""
    (month,) = months([first])
    while month <= last:
        yield month.strftime(_FORM)
        month = after(month)


def coming(now: datetime, count: int) -> list[datetime]:
    """Return the first moments of the `count` months after the one that `now` is in."""
    (month,) = months([now])
    found = []
    for _ in range(count):
        month = after(month)
        found.append(month)
    return found


def over(names: Iterable[str], before: datetime) -> list[datetime]:
    """Return the months, in order, of those partitions that end at `before` or earlier.

    Other names are passed over: what we did not make, we do not judge.
    """
    found = [month for name in names if (month := _month_of(name)) is not None]
    return sorted(month for month in found if after(month) <= before)


def _month_of(name: str) -> datetime | None:
    try:
        month = datetime.strptime(name, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    # strptime takes "reading_2026_3" too, which is none of ours.
    return month if month.strftime(_FORM) == name else None
