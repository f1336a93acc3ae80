"""The number on a resident's card: pure chance, and like no other number that people carry.

20 digits, the last two of them check digits: bank cards (16 and 19 digits), identity cards (18) and
the bar codes of shops (8 to 14) have other lengths, and a slip of the finger is seen at once. The
number says nothing of the resident; whose card it is only the registry knows.

Source: ISO/IEC 7064:2003, MOD 97-10.
"""

import hashlib
import unicodedata
from enum import StrEnum
from typing import Final

DIGITS: Final = 20
CHANCE_MAX: Final = 10 ** (DIGITS - 2)
"""Cards that there can be: 10^18, or 59.8 bits."""
GROUP: Final = 4
"""Digits that are printed together, as on a bank card."""
SCAN_MAX: Final = 512
"""Characters that are looked at; the longest QR code has 7089 digits."""
TAIL: Final = 4
"""Digits by which somebody knows his own card again: of 20 they give nothing away."""
_MOD: Final = 97
_BETWEEN: Final = str.maketrans("", "", " -\t")
_PEPPER: Final = b"yikao card "


class Misread(StrEnum):
    """Why what was scanned or typed is no number of a card."""

    FOREIGN = "foreign"
    """Something else: a web address, another code."""
    PARTIAL = "partial"
    """Too few digits."""
    WRONG = "wrong"
    """As many digits as there should be, and one of them is wrong."""


def new_number(chance: int) -> str:
    """Return the number of a card; `chance` from 0 up to `CHANCE_MAX`, of good randomness."""
    assert 0 <= chance < CHANCE_MAX, "chance is out of its bounds"
    check = _MOD + 1 - chance * 100 % _MOD
    return f"{chance:0{DIGITS - 2}d}{check:02d}"


def read_card(scanned: str) -> str | Misread:
    """Return the number in what a reader typed or a finger did, or why there is none.

    Blanks, hyphens, and the wide digits of a Chinese keyboard are all right.
    """
    text = unicodedata.normalize("NFKC", scanned[:SCAN_MAX]).translate(_BETWEEN).strip()
    if not (text.isascii() and text.isdigit()) or len(text) > DIGITS:
        return Misread.FOREIGN
    if len(text) < DIGITS:
        return Misread.PARTIAL
    return text if int(text) % _MOD == 1 else Misread.WRONG


def grouped(number: str) -> str:
    """Return the number as it is printed, in groups of four digits."""
    return " ".join(number[at : at + GROUP] for at in range(0, len(number), GROUP))


def digest_of(number: str) -> str:
    """Return what the registry knows a card by: SHA-256, 64 hexadecimal digits.

    Whoever reads the registry, its backup or the database can print no card of it: to find one
    number by trying takes 10^18 hashes, which is years of a machine made for it.
    """
    return hashlib.sha256(_PEPPER + number.encode()).hexdigest()
