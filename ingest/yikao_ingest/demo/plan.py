"""What the demo consists of: how long, how fast, how many homes, and when its story begins."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from yikao_devices.story_clock import SPEED_MAX, Clock
from yikao_ingest.errors import ServerError

ZONE: Final = "Asia/Shanghai"
BEGINS: Final = "21:50"
"""Story time of the first line: the night call comes at about ten in the evening."""
HOMES_MAX: Final = 20
"""One gateway process a home: more than this crowds a small machine."""
SECONDS_MIN: Final = 15.0
DRAIN_S: Final = 6.0
"""Real seconds before the end in which nobody measures any more, so that everything arrives."""
DRAIN_MAX_S: Final = 20.0
"""Longest wait for the last reading after the end."""
EVERY: Final = timedelta(minutes=7)
"""Between two readings of one neighbour: real values, taken closer together than they were."""
TENANT: Final = "demo"
NIGHT_HOME: Final = "h1"
"""The home of the night call; the neighbours live in the others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One demo; `seconds` None runs until Ctrl-C."""

    data: Path
    homes: int
    speed: float
    seconds: float | None
    clock: Clock

    def gateway(self, home: str) -> str:
        """Return the name of a home's gateway."""
        return f"gw-{home}"


def make_plan(
    data: Path, homes: int, speed: float, seconds: float | None, real_now_s: float
) -> Plan:
    """Return the plan; refuses with `ServerError` numbers that make no demo."""
    if not 1 <= homes <= HOMES_MAX:
        raise ServerError(f"--homes {homes} is not possible", f"choose 1 to {HOMES_MAX}")
    if not 1 <= speed <= SPEED_MAX:
        raise ServerError(f"--speed {speed:g} is not possible", f"choose 1 to {SPEED_MAX:g}")
    if seconds is not None and seconds < SECONDS_MIN:
        raise ServerError(f"--seconds {seconds:g} is too short", f"give at least {SECONDS_MIN:g}")
    return Plan(data, homes, speed, seconds, Clock(_evening(real_now_s), real_now_s, speed))


def _evening(real_now_s: float) -> float:
    """Return the Unix second of today's `BEGINS` in the demo's zone."""
    zone = ZoneInfo(ZONE)
    hour, minute = map(int, BEGINS.split(":"))
    today = datetime.fromtimestamp(real_now_s, zone)
    return today.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp()
