"""Times as records keep them: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def moment(micros_utc: int) -> datetime:
    """Return a time of a record."""
    return _EPOCH + timedelta(microseconds=micros_utc)


def micros_of(at: datetime) -> int:
    """Return a time as a record keeps it."""
    return (at - _EPOCH) // _MICROSECOND


def micros(span: timedelta) -> int:
    """Return a span as records count time."""
    return span // _MICROSECOND
