"""What truly happened: the measurements that were taken on a device of the zoo."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pressure:
    """A blood pressure, so many minutes before the visit. `user`: 255 is "the cuff cannot say"."""

    ago_min: float
    systolic_mmhg: float
    diastolic_mmhg: float
    pulse_bpm: float | None = None
    user: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A measurement that the cuff gave up with "Err"."""

    ago_min: float


@dataclass(frozen=True, slots=True)
class Sugar:
    """A glucose. `limit` is the word on the display, `hi` or `lo`, where there is no number."""

    ago_min: float
    mmol_l: float | None
    meal: str | None = None
    limit: str | None = None


@dataclass(frozen=True, slots=True)
class NotBlood:
    """A result of a meter that is nobody's glucose: control solution, or a ketone in mmol/L."""

    ago_min: float
    mmol_l: float


@dataclass(frozen=True, slots=True)
class Weighing:
    """Somebody stood on a scale."""

    ago_min: float
    kg: float


@dataclass(frozen=True, slots=True)
class Beats:
    """A heart that beat so fast while a strap was worn; told for each minute of it."""

    ago_min: float
    bpm: float


Kept = Pressure | Sugar | Weighing | Beats
"""What becomes a reading."""
Taken = Kept | Failure | NotBlood


def moment(taken: Taken, now: datetime) -> datetime:
    """Return the true time of `taken`, to the second; `now`: when the visit begins."""
    return (now - timedelta(minutes=taken.ago_min)).replace(microsecond=0)
