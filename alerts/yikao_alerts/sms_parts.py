"""How many text messages a text is: mainland operators carry, and bill, 70 characters in one part.

A longer text is cut into parts of 67, because each then carries its number; characters beyond the
basic plane count twice. Source: 3GPP TS 23.038 (UCS-2), TS 23.040, 9.2.3.24.1 (concatenation).
"""

from typing import Final

PART: Final = 70
PART_OF_MANY: Final = 67
SIGN: Final = "【医靠】"
"""Set before each message by the provider, and counted with it."""
LINK_MAX: Final = 40
"""Characters of the short link: https://, a host of 17, /s/ and the 12 of its code. With a longer
host a page may take two parts."""
TEXT_MAX: Final = PART - len(SIGN) - LINK_MAX
"""UTF-16 units that are left for the words of a page that is to be one part."""


def length(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def parts(text: str) -> int:
    """Return how many messages a text is sent in, its sign not yet before it."""
    units = length(SIGN) + length(text)
    return 1 if units <= PART else -(-units // PART_OF_MANY)
