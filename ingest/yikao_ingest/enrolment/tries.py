"""How often somebody may try: a bucket of tries for each address, and one for all together.

A bucket fills up evenly and each try takes one out of it. A code of 80 bits needs no such bound
against guessing; the processor does, and whoever looks at the log. Pure: time is an argument.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

ADDRESS_TRIES: Final = 30
"""For each address within `REFILL_S`: a nurse who sets up a ward's gateways behind one router."""
ALL_TRIES: Final = 600
"""For all addresses together: one a second, and ten thousand gateways renew 350 times a day."""
REFILL_S: Final = 600.0
ADDRESSES_MAX: Final = 10_000
"""Addresses remembered; the one that came longest ago is forgotten first, and its bucket full."""
HOME_BITS: Final = 64
"""Of an IPv6 address: so much is one home's or one attacker's."""


@dataclass(slots=True)
class _Bucket:
    size: int
    left: float
    at_s: float

    def take(self, now_s: float) -> bool:
        refilled = (now_s - self.at_s) * self.size / REFILL_S
        self.left, self.at_s = min(self.size, self.left + refilled), now_s
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Tries:
    """Counts tries. now_s: seconds of a clock that never jumps."""

    def __init__(
        self, each: int = ADDRESS_TRIES, together: int = ALL_TRIES, now_s: float = 0.0
    ) -> None:
        self._each = each
        self._together = _Bucket(together, together, now_s)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def allow(self, address: str, now_s: float) -> bool:
        """Return whether this address may try now. Who may not takes nothing from the others."""
        home = _home(address)
        bucket = self._buckets.pop(home, None) or _Bucket(self._each, self._each, now_s)
        self._buckets[home] = bucket
        if len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        return bucket.take(now_s) and self._together.take(now_s)


def _home(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or a network of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        return str(IPv6Address(int(parsed) >> (128 - HOME_BITS) << (128 - HOME_BITS)))
    return str(parsed)
