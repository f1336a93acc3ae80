"""Why something went into quarantine, and who has to act: nothing is refused without a reason."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """The code that is stored, counted, shown and sent back to the gateway."""

    UNKNOWN_TOPIC = "unknown_topic"
    TOO_LONG = "too_long"
    UNKNOWN_GATEWAY = "unknown_gateway"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    UNREADABLE = "unreadable"
    WRONG_GATEWAY = "wrong_gateway"
    ITEM_UNREADABLE = "item_unreadable"
    UNKNOWN_DEVICE = "unknown_device"
    NO_BINDING = "no_binding"
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
    OPERATOR = "operator"
    PROGRAMMER = "programmer"


OWNERS: Final = {
    Reason.UNKNOWN_TOPIC: Owner.PROGRAMMER,
    Reason.TOO_LONG: Owner.PROGRAMMER,
    Reason.UNKNOWN_GATEWAY: Owner.OPERATOR,
    Reason.UNSIGNED: Owner.OPERATOR,
    Reason.BAD_SIGNATURE: Owner.OPERATOR,
    Reason.UNREADABLE: Owner.PROGRAMMER,
    Reason.WRONG_GATEWAY: Owner.OPERATOR,
    Reason.ITEM_UNREADABLE: Owner.PROGRAMMER,
    Reason.UNKNOWN_DEVICE: Owner.OPERATOR,
    Reason.NO_BINDING: Owner.OPERATOR,
    Reason.FRAME_REFUSED: Owner.DEVICE,
    Reason.IMPLAUSIBLE: Owner.FAMILY,
    Reason.FUTURE: Owner.DEVICE,
    Reason.ANCIENT: Owner.DEVICE,
    Reason.UNITS_DISAGREE: Owner.PROGRAMMER,
    Reason.DATABASE_REFUSED: Owner.PROGRAMMER,
}
