"""The gateway's clock: the process's story or real time, as a wall clock at home shows it."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo

from yikao_devices.story_clock import VARIABLE, parse_clock

Now = Callable[[], datetime]
"""Returns the present moment, aware, in the home's zone."""


def home_clock(environment: Mapping[str, str], zone: tzinfo) -> Now:
    """Return the process's clock in `zone`. Raises `ClockSpecError` for a bad `YIKAO_CLOCK`."""
    clock = parse_clock(environment.get(VARIABLE))

    def now() -> datetime:
        return clock.at(time.time()).astimezone(zone)

    return now


def machine_zone() -> tzinfo:
    """Return the zone this machine is set to, as its present offset from UTC."""
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None, "astimezone gives a zone"
    return zone
