"""The clock every process reads: real time, or a story in which hours pass in seconds.

`YIKAO_CLOCK` holds `STORY@REAL*SPEED`: at the real second REAL (Unix time) the story's time is
STORY (ISO 8601 with an offset), and from there it runs SPEED times as fast. All processes of one
demo are given the same value and so agree. Without it the clock is real time.

Reading the machine's clock is left to the caller, so that everything here stays pure.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite

VARIABLE = "YIKAO_CLOCK"
SPEED_MAX = 3600.0
"""An hour in a second: faster than this no radio session fits between two story events."""


class ClockSpecError(ValueError):
    """`YIKAO_CLOCK` is not of the form STORY@REAL*SPEED; the operator must mend it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A line from real seconds to story time; `Clock()` is real time itself."""

    story_s: float = 0.0
    real_s: float = 0.0
    speed: float = 1.0

    def at(self, real_s: float) -> datetime:
        """Return the story's time, aware and in UTC, at the real Unix second `real_s`."""
        return datetime.fromtimestamp(self.story_s + (real_s - self.real_s) * self.speed, UTC)

    def real_seconds(self, story: timedelta) -> float:
        """Return how many real seconds the story span `story` takes."""
        return story.total_seconds() / self.speed

    def real_time(self, story: datetime) -> float:
        """Return the real Unix second at which the story reaches `story`."""
        return self.real_s + (story.timestamp() - self.story_s) / self.speed

    def spec(self) -> str:
        """Return the value of `YIKAO_CLOCK` that makes this clock."""
        story = datetime.fromtimestamp(self.story_s, UTC).isoformat()
        return f"{story}@{self.real_s!r}*{self.speed!r}"


def parse_clock(spec: str | None) -> Clock:
    """Return the clock that `spec` describes; none or empty is real time.

    Refuses with `ClockSpecError` what is malformed, has no offset, or runs backwards, stands
    still or is faster than `SPEED_MAX`.
    """
    if not spec:
        return Clock()
    try:
        story_text, rest = spec.split("@", 1)
        real_text, speed_text = rest.split("*", 1)
        story = datetime.fromisoformat(story_text)
        real_s, speed = float(real_text), float(speed_text)
    except ValueError as error:
        raise ClockSpecError(
            f"{VARIABLE}={spec!r} is not STORY@REAL*SPEED, "
            "for example 2026-03-02T21:50:00+08:00@1772459400*60"
        ) from error
    if story.tzinfo is None:
        raise ClockSpecError(f"{VARIABLE}: the story's time {story_text!r} needs an offset, +08:00")
    if not isfinite(real_s):
        raise ClockSpecError(f"{VARIABLE}: {real_text} is no real second")
    if not 0 < speed <= SPEED_MAX:
        raise ClockSpecError(f"{VARIABLE}: speed {speed_text} is not above 0 and up to {SPEED_MAX}")
    return Clock(story.timestamp(), real_s, speed)
