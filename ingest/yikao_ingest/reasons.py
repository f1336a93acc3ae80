"""Why something went into quarantine, and who has to act: nothing is refused without a reason.

For each reason there is a sentence, in Chinese and in English, that says what happened and what to
do about it.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

LANGUAGES: Final = ("zh", "en")


class Reason(StrEnum):
    """The code that is stored, counted, shown and sent back to the gateway."""

    UNKNOWN_TOPIC = "unknown_topic"
    TOO_LONG = "too_long"
    UNKNOWN_GATEWAY = "unknown_gateway"
    GATEWAY_WITHDRAWN = "gateway_withdrawn"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    UNREADABLE = "unreadable"
    WRONG_GATEWAY = "wrong_gateway"
    ITEM_UNREADABLE = "item_unreadable"
    UNKNOWN_DEVICE = "unknown_device"
    NO_BINDING = "no_binding"
    NO_CARD = "no_card"
    UNKNOWN_CARD = "unknown_card"
    CARD_ENDED = "card_ended"
    STATION_UNCLEAR = "station_unclear"
    FRAME_REFUSED = "frame_refused"
    IMPLAUSIBLE = "implausible"
    FUTURE = "future"
    ANCIENT = "ancient"
    UNITS_DISAGREE = "units_disagree"
    DATABASE_REFUSED = "database_refused"


class Owner(StrEnum):
    """Who has to act."""

    FAMILY = "family"
    DEVICE = "device"
    NETWORK = "network"
    OPERATOR = "operator"
    PROGRAMMER = "programmer"


OWNERS: Final = {
    Reason.UNKNOWN_TOPIC: Owner.NETWORK,
    Reason.TOO_LONG: Owner.PROGRAMMER,
    Reason.UNKNOWN_GATEWAY: Owner.OPERATOR,
    Reason.GATEWAY_WITHDRAWN: Owner.OPERATOR,
    Reason.UNSIGNED: Owner.NETWORK,
    Reason.BAD_SIGNATURE: Owner.OPERATOR,
    Reason.UNREADABLE: Owner.PROGRAMMER,
    Reason.WRONG_GATEWAY: Owner.OPERATOR,
    Reason.ITEM_UNREADABLE: Owner.PROGRAMMER,
    Reason.UNKNOWN_DEVICE: Owner.OPERATOR,
    Reason.NO_BINDING: Owner.OPERATOR,
    Reason.NO_CARD: Owner.OPERATOR,
    Reason.UNKNOWN_CARD: Owner.OPERATOR,
    Reason.CARD_ENDED: Owner.OPERATOR,
    Reason.STATION_UNCLEAR: Owner.OPERATOR,
    Reason.FRAME_REFUSED: Owner.DEVICE,
    Reason.IMPLAUSIBLE: Owner.FAMILY,
    Reason.FUTURE: Owner.DEVICE,
    Reason.ANCIENT: Owner.DEVICE,
    Reason.UNITS_DISAGREE: Owner.PROGRAMMER,
    Reason.DATABASE_REFUSED: Owner.PROGRAMMER,
}

OF_MESSAGES: Final = frozenset(
    {
        Reason.UNKNOWN_TOPIC,
        Reason.TOO_LONG,
        Reason.UNKNOWN_GATEWAY,
        Reason.GATEWAY_WITHDRAWN,
        Reason.UNSIGNED,
        Reason.BAD_SIGNATURE,
        Reason.UNREADABLE,
        Reason.WRONG_GATEWAY,
    }
)
"""For which a message is refused as a whole; the others are reasons of one item."""
UNOWNED: Final = frozenset(
    {
        Reason.UNKNOWN_DEVICE,
        Reason.NO_BINDING,
        Reason.NO_CARD,
        Reason.UNKNOWN_CARD,
        Reason.CARD_ENDED,
        Reason.STATION_UNCLEAR,
    }
)
"""What is fine but nobody's yet: released once the registry says whose."""


def sentence(reason: Reason, language: str) -> str:
    """Return what happened and what to do about it, in one of `LANGUAGES`."""
    return _texts(language)["reason"][reason]


def owner_name(owner: Owner, language: str) -> str:
    """Return who that is, in one of `LANGUAGES`."""
    return _texts(language)["owner"][owner]


@cache
def _texts(language: str) -> Mapping[str, Mapping[str, str]]:
    file = resources.files("yikao_ingest").joinpath("text", f"quarantine.{language}.toml")
    return tomllib.loads(file.read_text("utf-8"))
