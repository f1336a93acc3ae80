"""Does a text give somebody away? Looks for marked names, numbers and values, however they are
written: with separators, in full width, in words, in hexadecimal or base64.
"""

import base64
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yikao_alerts import spoken

_SEPARATORS = re.compile(r"[\s\-–—_.·,，、/()（）+*]")
_RUN_MIN = 5
"""Figures by which a number of identity or a telephone is still found when it is cut off."""


@dataclass(frozen=True, slots=True)
class Canaries:
    """What must not be seen: full names, numbers of any kind, and values as they are shown."""

    names: Sequence[str]
    numbers: Sequence[str]
    values: Sequence[str]


def leaks(text: str, canaries: Canaries) -> list[str]:
    """Return what of the canaries `text` gives away, in a form that names the canary."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    tight = _SEPARATORS.sub("", plain)
    found = [name for name in canaries.names if _has_name(plain, tight, name)]
    found += [number for number in canaries.numbers if _has_number(tight, number)]
    found += [value for value in canaries.values if _has_value(plain, value)]
    return found


def all_leaks(texts: Iterable[str], canaries: Canaries) -> list[tuple[str, str]]:
    """Return each leak with the text it is in."""
    return [(canary, text) for text in texts for canary in leaks(text, canaries)]


def _has_name(plain: str, tight: str, name: str) -> bool:
    parts = [name.casefold(), *(part for part in name.casefold().split() if len(part) > 2)]
    return any(
        part in plain or _SEPARATORS.sub("", part) in tight or hidden in plain
        for part in parts
        for hidden in _hidden(part)
    )


def _has_number(tight: str, number: str) -> bool:
    digits = _SEPARATORS.sub("", number.casefold())
    runs = {digits} | {digits[i : i + _RUN_MIN] for i in range(len(digits) - _RUN_MIN + 1)}
    figures = "".join(letter for letter in digits if letter.isdigit())
    return any(run in tight for run in runs) or (
        len(figures) >= _RUN_MIN and spoken.digits(figures, "zh") in tight
    )


def _has_value(plain: str, value: str) -> bool:
    """Return whether a value stands in a text as a number by itself, in figures or in words."""
    for number in re.findall(r"\d+(?:\.\d+)?", value):
        # Not as a part of an id or a time: those are hexadecimal, or have a colon.
        if re.search(rf"(?<![0-9a-z.:#-]){re.escape(number)}(?![0-9a-z:-]|\.\d)", plain):
            return True
        whole = number.partition(".")[0]
        if len(whole) > 2 and spoken.number(int(whole), "zh") in plain:
            return True
    return False


def _hidden(text: str) -> Iterable[str]:
    """Return what a text looks like to a machine."""
    raw = text.encode()
    return raw.hex(), base64.b64encode(raw).decode().rstrip("=").casefold(), repr(raw)[2:-1]
