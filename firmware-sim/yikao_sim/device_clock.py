"""The clock inside a simulated device: a wall clock without a zone, which may be wrong.

Real cuffs and meters show the time somebody once set; they know neither zone nor summer time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yikao_sim.errors import SimError

CHINA = timezone(timedelta(hours=8))
"""China Standard Time; no summer time since 1991."""


def zone_named(name: str) -> tzinfo:
    """Return the zone called `name`; Asia/Shanghai also where no zone files are installed."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        if name == "Asia/Shanghai":
            return CHINA
        raise SimError(f"no time zone {name!r}: write it as Asia/Shanghai") from error


class DeviceClock:
    """Shows the true time of `zone` plus `offset_s` seconds; setting it changes the offset."""

    def __init__(
        self, now: Callable[[], datetime], zone: tzinfo = CHINA, offset_s: float = 0.0
    ) -> None:
        self._now = now
        self._zone = zone
        self.offset_s = offset_s

    def true_time(self) -> datetime:
        """Return the true time, aware, in the device's zone."""
        return self._now().astimezone(self._zone)

    def face(self, at: datetime | None = None) -> datetime:
        """Return what the clock shows, naive, at the true time `at`; None is now."""
        true = (at or self._now()).astimezone(self._zone)
        return true.replace(tzinfo=None) + timedelta(seconds=self.offset_s)

    def set(self, face: datetime) -> None:
        """Make the clock show `face`, naive, from now on."""
        true = self._now().astimezone(self._zone).replace(tzinfo=None)
        self.offset_s = (face - true).total_seconds()


def utc(at: datetime) -> str:
    """Return `at` as text in UTC."""
    return at.astimezone(UTC).isoformat()
