"""The months into which plain PostgreSQL divides its readings."""

from collections.abc import Iterable
from datetime import UTC, datetime


def months(times: Iterable[object]) -> set[datetime]:
    """Return the first moments, in UTC, of the months that aware `times` fall into."""
    return {
        moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for moment in times
        if isinstance(moment, datetime)
    }


def partition(month: datetime) -> tuple[str, str, str]:
    """Return a month's partition: its name, its first moment, and the first after it."""
    year, number = divmod(month.year * 12 + month.month, 12)
    after = month.replace(year=year, month=number + 1)
    return f"reading_{month:%Y_%m}", month.isoformat(), after.isoformat()
