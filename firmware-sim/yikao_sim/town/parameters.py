"""Every number that a town of people who do not exist is made of, each with where it comes from.

Pressures in mmHg, times in days unless a name says otherwise. The within-person spread follows
Kato 2010 (Ohasama, 1,215 people, one morning reading for four weeks: SD 8.6 +- 3.1 systolic,
5.8 +- 2.0 diastolic) and the season HOMED-BP (n = 1,649: 6.7/2.9 from crest to trough, peak in
mid-January). What is marked D is a design choice without a published figure.
"""

from dataclasses import dataclass, field
from typing import Final

SESSIONS: Final = 2
"""A morning and an evening session a day; the order of the axis."""
MORNING: Final = 0
EVENING: Final = 1
HABIT: Final = 2
"""Readings that a session has at most when nobody asks for another."""
YEAR: Final = 365.25


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal distribution."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """How faithfully a part of the people measures: chances, each from 0 to 1. D."""

    name: str
    share: float
    morning: float
    evening: float
    second_reading: float
    replies: float
    """Takes another reading when the display asks for one: the cuff is still on the arm."""


STRATA: Final = (
    Stratum("daily", 0.5, 0.88, 0.80, 0.92, 0.98),
    Stratum("medium", 0.3, 0.60, 0.40, 0.75, 0.95),
    Stratum("sparse", 0.2, 0.40, 0.06, 0.50, 0.90),
)


@dataclass(frozen=True, slots=True)
class Systolic:
    """How a person's systolic pressure lies and moves."""

    usual: Normal = Normal(132.0, 12.0)
    usual_bounds: tuple[float, float] = (105.0, 165.0)
    morning_minus_evening: Normal = Normal(3.0, 6.0)
    day_sd: float = 4.5
    day_memory: float = 0.5
    """Correlation of a day's deviation with the day before."""
    session_sd: float = 5.5
    reading_sd: float = 4.5
    """Person and cuff together, between readings a minute apart."""
    variability_cv: float = 0.36
    """Of the factor on the three above, lognormal with mean 1: 3.1 / 8.6, Kato 2010."""
    first_of_session: float = 2.5
    first_day: float = 3.0
    first_day_tau: float = 1.0
    season_half: Normal = Normal(3.0, 1.0)
    """Half of crest to trough, not below 0: 6.7 / 2, HOMED-BP."""
    season_peak_day: float = 15.0
    centred_on_days: int = 28


@dataclass(frozen=True, slots=True)
class Vitals:
    """Diastolic pressure and pulse, which follow the systolic one. D, but for the spread.

    Of 5.8 mmHg within a person (Kato 2010) 3.2 go with the systolic deviations, the rest is of the
    session and the reading. The ceilings keep both from paging anybody by themselves: the figures
    taken in such a town are figures of the systolic pressure.
    """

    diastolic: Normal = Normal(78.0, 7.0)
    diastolic_bounds: tuple[float, float] = (58.0, 95.0)
    per_systolic: float = 0.43
    """Of season (2.9 / 6.7, HOMED-BP), level and deviation."""
    diastolic_session_sd: float = 3.4
    diastolic_reading_sd: float = 3.4
    diastolic_readable: tuple[float, float] = (40.0, 109.0)
    pulse_pressure_min: float = 25.0
    pulse: Normal = Normal(72.0, 8.0)
    pulse_session_sd: float = 4.0
    pulse_reading_sd: float = 2.0
    pulse_readable: tuple[float, float] = (51.0, 110.0)


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong between an arm and a record. D."""

    artefact: float = 0.01
    artefact_high_share: float = 0.6
    artefact_high: Normal = Normal(25.0, 8.0)
    artefact_low: Normal = Normal(-20.0, 8.0)
    other_person: float = 0.004
    """Of sessions."""
    other_systolic: Normal = Normal(122.0, 14.0)
    other_diastolic: Normal = Normal(75.0, 8.0)
    other_reading_sd: float = 4.0
    typed: float = 0.15
    """Of people, who copy from a display that sends nothing."""
    typed_to_tens: float = 0.25
    typed_to_fives: float = 0.15
    gap_starts: float = 1 / 60
    gap_mean: float = 6.0
    readable: tuple[float, float] = (60.0, 280.0)


@dataclass(frozen=True, slots=True)
class Times:
    """When people measure: hours of the day and seconds between readings."""

    morning_h: tuple[float, float] = (6.0, 10.0)
    evening_h: tuple[float, float] = (18.0, 22.0)
    apart_s: tuple[int, int] = (60, 120)
    arrival_s: tuple[int, int] = (20, 90)
    """From measurement to server; D."""
    typed_arrival_s: tuple[int, int] = (60, 600)


@dataclass(frozen=True, slots=True)
class Sugar:
    """Fasting glucose, in mmol/L and on its natural logarithm."""

    usual: Normal = Normal(7.3, 1.3)
    usual_bounds: tuple[float, float] = (5.0, 13.0)
    tablets_log_sd: float = 0.17
    """Type 2 on tablets. D: an assumption, no published figure at hand."""
    insulin_log_sd: tuple[float, float] = (0.38, 0.43)
    """Insulin-treated: measured in the UCI AIM-94 diabetes data, before breakfast."""
    meter_cv: float = 0.06
    """Inside ISO 15197:2013, whose limit is a CV of about 7.5 %."""
    contaminated: float = 0.015
    contaminated_log: Normal = Normal(0.45, 0.25)
    often_per_week: float = 7.0
    seldom_per_week: float = 3.0
    often_share: float = 0.5
    readable: tuple[float, float] = (0.6, 33.3)
    rises_by: tuple[Normal, ...] = (Normal(1.8, 0.4), Normal(3.0, 0.5))
    """Of a low one, 15 and 30 minutes after sugar was eaten; D, after the 15-15 rule of the ADA."""
    recheck_low_s: tuple[int, int] = (900, 1080)
    recheck_high_s: tuple[int, int] = (240, 600)
    """After washing the hands."""


@dataclass(frozen=True, slots=True)
class Asking:
    """When the display in a simulated home asks for another reading, as the town's files need it.

    Where the real rules run, they ask. Limits in mmHg: China's primary-care urgent limits.
    """

    systolic_high: float = 180.0
    diastolic_high: float = 110.0
    systolic_low: float = 90.0
    differ: float = 10.0
    near: float = 5.0
    readings_max: int = 3
    glucose_low: float = 3.9
    glucose_high: float = 13.9


@dataclass(frozen=True, slots=True)
class Parameters:
    """All of it."""

    strata: tuple[Stratum, ...] = STRATA
    systolic: Systolic = field(default_factory=Systolic)
    vitals: Vitals = field(default_factory=Vitals)
    faults: Faults = field(default_factory=Faults)
    times: Times = field(default_factory=Times)
    sugar: Sugar = field(default_factory=Sugar)
    asking: Asking = field(default_factory=Asking)
