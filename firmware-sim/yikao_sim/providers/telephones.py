"""What the two clouds' fake providers share: an approved template each, and telephones that take.

A cloud fills its own copy of the template: parameters that the template does not have, missing
ones, too long ones and web addresses are refused, as by the real ones.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

KEY_ID: Final = "AKIDsimulated"
SIGNATURE: Final = "医靠"
APP_ID: Final = "1400000001"
SMS_TEMPLATE: Final = "SMS_100000001"
VOICE_TEMPLATE: Final = "TTS_100000001"
LINK_BEFORE: Final = "http://127.0.0.1:8321/s/"
"""The fixed part of the link in the template."""
PARAMETERS: Final = {SMS_TEMPLATE: ("text", "short", "code"), VOICE_TEMPLATE: ("text",)}
PARAMETER_MAX: Final = 350
REMEMBERED_MAX: Final = 10_000
SKEW_MAX_S: Final = 300
"""What a signature's time may be away from the cloud's."""
_CHINESE_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")


@dataclass(frozen=True, slots=True)
class Filled:
    """What a person reads or hears."""

    text: str
    link: str


def fill(template: str, values: Mapping[str, object]) -> Filled | str:
    """Return the filled template, or what is wrong with its parameters."""
    names = PARAMETERS.get(template)
    if names is None:
        return "TEMPLATE"
    if set(values) != set(names):
        return "PARAMETERS"
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    if len(texts) != len(names) or any(len(text) > PARAMETER_MAX for text in texts.values()):
        return "LENGTH"
    if any("://" in text for text in texts.values()):
        return "URL"
    return Filled(texts["text"], LINK_BEFORE + texts.get("short", ""))


def is_chinese_mobile(number: str) -> bool:
    """Return whether this is a mobile number without its country code."""
    return _CHINESE_MOBILE.fullmatch(number) is not None
