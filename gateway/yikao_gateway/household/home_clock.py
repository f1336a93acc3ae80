"""The gateway's clock: the process's story or real time, as a wall clock at home shows it.

A small computer without a battery begins at some old time until the network tells it the right
one. So the machine's clock is only believed once it is not earlier than what is known to be past:
this program, and the newest thing that the gateway has stored. Until then time is counted from
that, evenly, by the monotonic clock: a line which is late by an unknown amount, but never jumps.
When the machine's clock passes the line, or the server says what time it is, it is known how late
the line was, and everything that arrived on it can be dated.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from uuid import uuid4

from yikao_devices.story_clock import VARIABLE, Clock, parse_clock

RELEASED: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""This program is younger."""
AGREE_MAX: Final = timedelta(minutes=2)
"""A machine's clock this near to the server's word is believed again."""

Now = Callable[[], datetime]
"""Returns the present moment, aware, in the home's zone."""
Seconds = Callable[[], float]


def no_line() -> None:
    """Say that the time is known, where nobody asks how."""


class HomeClock:
    """Tells the time at home. wall: the machine's Unix time. monotonic: seconds that never jump.

    A line ends in `settle` alone, so that whoever is in the middle of something stays on it.
    """

    def __init__(self, zone: tzinfo, wall: Seconds, monotonic: Seconds, story: Clock) -> None:
        self.zone = zone
        self._wall = wall
        self._monotonic = monotonic
        self._story = story
        self._line = uuid4().hex
        self._began: tuple[datetime, float] | None = None
        self._told: tuple[datetime, float] | None = None
        self._late_s: float | None = None

    def __call__(self) -> datetime:
        """Return the time; while it is not known, the earliest that it can be."""
        return self._utc().astimezone(self.zone)

    @property
    def line(self) -> str | None:
        """The name of the line on which time is counted; None when the time is known."""
        return None if self._began is None else self._line

    def late_s(self, line: str) -> float | None:
        """Return by how much a line was late, once that is known of it."""
        return self._late_s if line == self._line else None

    def not_before(self, known: datetime | None) -> None:
        """Believe the machine's clock only if it is not earlier than this, nor than the program.

        A story's clock is always right.
        """
        floor = max(RELEASED, known or RELEASED)
        if self._story == Clock() and self._machine() < floor:
            self._began = (floor.astimezone(UTC), self._monotonic())

    def told(self, at: datetime) -> None:
        """Take note of the server's word what time it is; of use where nothing better is known."""
        if self._began is not None:
            self._told = (at.astimezone(UTC), self._monotonic())

    def settle(self) -> bool:
        """Return whether the time has become known; from now on it is told."""
        if self._began is None:
            return False
        late, machine = self._since(self._began), self._machine()
        known = machine if machine >= late else None
        if self._told is not None:
            known = self._since(self._told)
        if known is None:
            return False
        self._late_s = (known - late).total_seconds()
        self._began = None
        return True

    def _utc(self) -> datetime:
        since = self._began or self._told
        if since is None:
            return self._machine()
        at = self._since(since)
        if self._began is None and abs(self._machine() - at) <= AGREE_MAX:
            self._told = None
            return self._machine()
        return at

    def _machine(self) -> datetime:
        return self._story.at(self._wall())

    def _since(self, began: tuple[datetime, float]) -> datetime:
        at, monotonic_s = began
        return at + timedelta(seconds=self._monotonic() - monotonic_s)


def home_clock(environment: Mapping[str, str], zone: tzinfo) -> HomeClock:
    """Return the process's clock in `zone`. Raises `ClockSpecError` for a bad `YIKAO_CLOCK`."""
    return HomeClock(zone, time.time, time.monotonic, parse_clock(environment.get(VARIABLE)))


def machine_zone() -> tzinfo:
    """Return the zone this machine is set to, as its present offset from UTC."""
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None, "astimezone gives a zone"
    return zone
