"""What the catalogue says of one model: how to recognise it, and where it leaves the standard."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from yikao_devices.quirks import Quirk

SETTLE_MAX_S: Final = 10.0
"""A cuff is awake for seconds; a longer pause would lose it."""
QUIET_S: Final = 3.0
QUIET_MAX_S: Final = 60.0
WINDOW_S: Final = 15.0
WINDOW_MAX_S: Final = 120.0


class Conversation(Enum):
    """How to get the records out. The standard's first, then vendors' own (`vendors`)."""

    CUFF = "cuff"
    METER = "meter"
    SCALE = "scale"
    THERMOMETER = "thermometer"
    OXIMETER = "oximeter"
    STRAP = "strap"
    MICROLIFE = "microlife"
    YONKER = "yonker"


class ClockRule(Enum):
    """How the device's clock is compared with ours, and when it may be set (`clock_rules.py`)."""

    COMPARE = "compare"
    SET = "set"
    """Write ours when they differ by more than `CLOCK_SET_ABOVE_S`."""
    OMRON_FIRST_NOTIFICATION = "omron_first_notification"
    """Write ours at the first Current Time that the device notifies, and only if far off."""
    CONTOUR_1026 = "contour_1026"
    """Write ours, in UTC with the zone's minutes, to the vendor's own characteristic."""
    DATE_TIME_2A08 = "date_time_2a08"
    """Compare under Date Time; nobody has seen such a device set by this."""
    CARESENS_FFF1 = "caresens_fff1"
    """Ask for it and set it by commands to the vendor's own characteristic."""
    NONE = "none"
    """It can neither be read nor set."""


@dataclass(frozen=True, slots=True)
class Model:
    """One entry; durations in seconds. `name` is what `--model` takes."""

    name: str
    conversation: Conversation
    pattern: str | None = None
    """Regular expression for the whole advertised name."""
    quirk: Quirk | None = None
    clock: ClockRule = ClockRule.SET
    settle_s: float = 0.0
    """Pause between connection and first request, for devices that miss it otherwise."""
    quiet_s: float = QUIET_S
    """A cuff that says nothing for so long has sent all it has."""
    window_s: float = WINDOW_S
    """So long connection, bond and discovery together may take; after that it sleeps again."""
    bond_first: bool = False
    """Bond before anything is asked; others are bonded when they first refuse a request."""
    sequence_is_cursor: bool = True
    """Record numbers only grow, so that "everything from here on" can be asked for."""
    clock_is_believed: bool = True
    """False: a record's own time only tells it from others; it is dated by its arrival."""
    service: int | None = None
    """Must be advertised too, where the vendor gives other kinds of devices the same names."""
    vendor: str = ""
