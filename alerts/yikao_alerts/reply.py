"""The code by which a doctor answers a text message: "1 A1B2" sends "I take it" for page A1B2.

The code is computed from the message and the telephone it was sent to, with a key that only the
server's processes read: it is good on that telephone alone, and nowhere stored. Letters that look
alike in a message are left out, and what is written instead of them is read as meant.
Standard: the alphabet of Crockford's Base32.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from uuid import UUID

CODE_LETTERS: Final = 4
"""A million codes: nobody guesses one on a telephone that is not theirs in the first place."""
TAKE: Final = "1"
TEXT_MAX: Final = 200
"""Characters of an answer that are looked at; a code is never further back."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT: Final = str.maketrans("OIL", "011")
_ANSWER: Final = re.compile(
    rf"\s*(?P<word>[0-9])[\s,.;:#、，。：-]*(?P<code>[0-9A-Z]{{{CODE_LETTERS}}})\s*"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that could be read: what is said, and of which page."""

    word: str
    code: str


def reply_code(secret: bytes, message_id: UUID, address: str) -> str:
    """Return the code of a message on one telephone, `CODE_LETTERS` long."""
    named = f"yikao reply code {message_id} {address}".encode()
    number = int.from_bytes(hmac.digest(secret, named, hashlib.sha256))
    letters = (_ALPHABET[number >> 5 * place & 31] for place in range(CODE_LETTERS))
    return "".join(letters)


def read_reply(text: str) -> Reply | None:
    """Return what a text message says; None when it is no answer to a page.

    Full-width digits, small letters, and O, I, L for 0 and 1 are read as what they stand for.
    """
    plain = unicodedata.normalize("NFKC", text[:TEXT_MAX]).upper()
    found = _ANSWER.fullmatch(plain)
    if found is None or not found["code"].isascii():
        return None
    return Reply(found["word"], found["code"].translate(_MEANT))
