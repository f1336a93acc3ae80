"""The code that a nurse types once, so that a gateway gets its certificate: eight groups of five.

It says two things: a secret, and by which certificate authority the server has to prove itself. So
nothing else has to be brought to the gateway, and whoever stands between the two gets nothing. The
last letters are a check sum: a slip of the finger is told on the spot, and never sent.

Source: D. Crockford, "Base 32" (crockford.com/base32.html): no I, L, O and U; read as 1, 1 and 0.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_LETTERS: Final = 16
"""80 bits: at the server's bound of tries nobody guesses it in the minutes for which it is good."""
SECRET_BYTES: Final = 10
AUTHORITY_LETTERS: Final = 20
"""100 bits of the SHA-256 of the authority's certificate: no second one can be made to fit."""
CHECK_LETTERS: Final = 4
LETTERS: Final = SECRET_LETTERS + AUTHORITY_LETTERS + CHECK_LETTERS
GROUP: Final = 5
TEXT_MAX: Final = 200
"""Characters of what is typed, blanks and all; more is something else than a code."""

_BITS: Final = 5
_BETWEEN: Final = re.compile(r"[\s_\-\u2010-\u2015\u2212]+")
_MISREAD: Final = str.maketrans("OIL", "011")


class ClaimCodeError(ValueError):
    """What was typed is no claim code; whoever typed it looks again."""


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """A code, taken apart. Its secret is kept out of logs and error messages."""

    secret: str = field(repr=False)
    authority: str

    @property
    def text(self) -> str:
        """The code as it is shown and typed."""
        letters = self.secret + self.authority
        letters += _check(letters)
        return "-".join(letters[at : at + GROUP] for at in range(0, LETTERS, GROUP))

    def names(self, certificate: bytes) -> bool:
        """Return whether this (DER) is the certificate of the authority that the code means."""
        return self.authority == authority_mark(certificate)


def make_code(secret: bytes, certificate: bytes) -> ClaimCode:
    """Return the code of `SECRET_BYTES` random bytes, for the authority with this certificate."""
    assert len(secret) == SECRET_BYTES, "the caller takes them from the system's random source"
    number = int.from_bytes(secret, "big")
    return ClaimCode(_letters(number, SECRET_LETTERS), authority_mark(certificate))


def authority_mark(certificate: bytes) -> str:
    """Return by which letters a code names the authority with this certificate (DER)."""
    return _digest(certificate, AUTHORITY_LETTERS)


def parse_code(text: str) -> ClaimCode:
    """Return the code that somebody typed, in whatever groups, capitals and full-width letters.

    Refuses with `ClaimCodeError`, whose words do not repeat the code.
    """
    if len(text) > TEXT_MAX:
        raise ClaimCodeError(f"a code has {LETTERS} letters and digits: this is far longer")
    typed = unicodedata.normalize("NFKC", text).upper()
    letters = _BETWEEN.sub("", typed).translate(_MISREAD)
    for place, letter in enumerate(letters, 1):
        if letter not in ALPHABET:
            raise ClaimCodeError(f"letter {place} of the code is none that a code has: look again")
    if len(letters) != LETTERS:
        raise ClaimCodeError(f"a code has {LETTERS} letters and digits, this has {len(letters)}")
    body = letters[:-CHECK_LETTERS]
    if letters[-CHECK_LETTERS:] != _check(body):
        raise ClaimCodeError("the code's letters do not fit together: one is wrong, look again")
    return ClaimCode(body[:SECRET_LETTERS], body[SECRET_LETTERS:])


def _check(body: str) -> str:
    return _digest(body.encode(), CHECK_LETTERS)


def _digest(data: bytes, count: int) -> str:
    """Return the first bits of a SHA-256 as so many letters."""
    digest = hashlib.sha256(data).digest()
    return _letters(int.from_bytes(digest, "big") >> (8 * len(digest) - _BITS * count), count)


def _letters(number: int, count: int) -> str:
    """Return a number below 32**count as letters, the highest first."""
    places = range(_BITS * (count - 1), -1, -_BITS)
    return "".join(ALPHABET[number >> place & 31] for place in places)
