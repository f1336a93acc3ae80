"""Known departures of single models from the standard, as names that a model's entry may list."""

from enum import Enum


class Quirk(Enum):
    """One departure; the value is what is shown beside a frame decoded with it."""

    BEURER_BE = "beurer-be: pulse and status big-endian, user id present without its flag"
    """Seen on Beurer BM48, BM59, BM85 and Elite 900: the frame sets bit 6, sends pulse and status
    high byte first, a user id although bit 3 is clear, and 0 for the mean pressure.
    Source: github.com/derdilla/blood-pressure-monitor-fl, pull requests 735 and 737."""
