"""A device's own clock: Date Time (0x2A08) inside measurements, Current Time (0x2A2B) on its own.

A device's clock has no time zone, may be unset and may be nonsense; the six numbers are kept as
they came, and only `to_datetime` says whether they are a moment at all. A bad date never costs the
reading that carries it.

Source: Bluetooth SIG, GATT Specification Supplement, 3.69 Date Time and 3.60 Current Time.
"""

import struct
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from yikao_devices.errors import EncodeError, FrameError

DATE_TIME_BYTES: Final = 7
CURRENT_TIME_BYTES: Final = 10
_LAYOUT: Final = struct.Struct("<HBBBBB")


class DateTime(NamedTuple):
    """Six numbers as the device sent them; 0 in year, month or day means "not known"."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int

    def to_datetime(self) -> datetime | None:
        """Return the moment on the device's clock, naive, or None when it is no valid date."""
        try:
            return datetime(*self)  # noqa: DTZ001  a device's clock has no zone
        except ValueError:
            return None

    def isoformat(self) -> str:
        """Return the numbers in ISO 8601 order, also where they are no valid date."""
        return (
            f"{self.year:04d}-{self.month:02d}-{self.day:02d}"
            f"T{self.hour:02d}:{self.minute:02d}:{self.second:02d}"
        )


class EpochTime(NamedTuple):
    """Seconds since 1 January of the year `since`, 1900 or 2000, on the device's clock.

    The newer services count like this. Whether the clock runs in UTC the frame does not say.
    """

    seconds: int
    since: int

    def to_datetime(self) -> datetime:
        """Return the moment on the device's clock, naive; 32 bits of seconds always are one."""
        return datetime(self.since, 1, 1) + timedelta(seconds=self.seconds)  # noqa: DTZ001

    def isoformat(self) -> str:
        """Return the moment in ISO 8601, without a zone."""
        return self.to_datetime().isoformat()


def date_time_of(moment: datetime) -> DateTime:
    """Return the six numbers of `moment` as its own wall clock reads."""
    return DateTime(
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
    )


def read_date_time(frame: bytes, offset: int) -> DateTime:
    """Return the Date Time at `offset`; refuses a frame that ends before it does."""
    try:
        return DateTime._make(_LAYOUT.unpack_from(frame, offset))
    except struct.error as error:
        raise FrameError("ends inside the date and time", frame) from error


def decode_date_time(frame: bytes) -> DateTime:
    """Return the value of a Date Time characteristic (0x2A08)."""
    return read_date_time(frame, 0)


def encode_date_time(value: DateTime) -> bytes:
    """Return the 7 bytes of `value`; refuses with `EncodeError` what does not fit them."""
    try:
        return _LAYOUT.pack(*value)
    except struct.error as error:
        raise EncodeError(f"{value} does not fit the Date Time field") from error


class CurrentTime(NamedTuple):
    """Current Time (0x2A2B): the device's clock, and why it last changed.

    `weekday` is 1 (Monday) to 7, 0 unknown; `fraction` counts 1/256 seconds; `reason` is a bit
    field: 1 manual, 2 external reference, 4 time zone, 8 daylight saving.
    """

    date_time: DateTime
    weekday: int
    fraction: int
    reason: int


def decode_current_time(frame: bytes) -> CurrentTime:
    """Return the clock in `frame`; refuses fewer than 10 bytes with `FrameError`."""
    if len(frame) < CURRENT_TIME_BYTES:
        raise FrameError(f"Current Time has {CURRENT_TIME_BYTES} bytes, not {len(frame)}", frame)
    return CurrentTime(read_date_time(frame, 0), frame[7], frame[8], frame[9])


def encode_current_time(value: CurrentTime) -> bytes:
    """Return the 10 bytes of `value`."""
    return encode_date_time(value.date_time) + bytes((value.weekday, value.fraction, value.reason))


def current_time_of(moment: datetime) -> CurrentTime:
    """Return what to write into a device's clock so that it reads `moment`'s wall clock.

    The reason says "external reference": the device learns the time from us.
    """
    fraction = moment.microsecond * 256 // 1_000_000
    return CurrentTime(date_time_of(moment), moment.isoweekday(), fraction, 2)
