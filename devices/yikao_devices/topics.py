"""The addresses of the messages, and the properties that travel beside them.

`v1/{tenant}/{gateway}/…`: no level says who the resident is; which device belongs to whom stands
only in the server's database. A payload is signed with Ed25519 over its exact bytes; signature
and key id travel as MQTT 5 user properties.
"""

from dataclasses import dataclass
from typing import Final

ROOT: Final = "v1"

PROPERTY_KEY_ID: Final = "kid"
PROPERTY_SIGNATURE: Final = "sig"
"""base64url of the 64 signature bytes, without padding."""
PROPERTY_MESSAGE_ID: Final = "mid"
"""Names one message, so that a receipt can refuse one whose content could not be read."""

READING: Final = "reading"
EVENT: Final = "event"
RECEIPT: Final = "receipt"
BIRTH: Final = "birth"
STATUS: Final = "status"
COMMAND: Final = "cmd"
COMMAND_RESULT: Final = "cmd/res"
CONFIGURATION: Final = "config"
CONFIGURATION_STATE: Final = "config/state"

FROM_GATEWAYS: Final = (
    f"{READING}/+",
    EVENT,
    BIRTH,
    STATUS,
    COMMAND_RESULT,
    CONFIGURATION_STATE,
)
"""What the server subscribes to, below each gateway."""
TO_GATEWAY: Final = (RECEIPT, COMMAND, CONFIGURATION)
"""What a gateway subscribes to, below itself."""


def topic(tenant: str, gateway: str, channel: str) -> str:
    """Return the full topic of a gateway's channel."""
    return f"{ROOT}/{tenant}/{gateway}/{channel}"


def item_channel(kind: str) -> str:
    """Return the channel on which items of `kind` travel."""
    return EVENT if kind == "event" else f"{READING}/{kind}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose message it is, read from its topic."""

    tenant: str
    gateway: str
    channel: str


def parse_topic(text: str) -> Origin | None:
    """Return the parts of a topic of ours, or None for any other."""
    parts = text.split("/", 3)
    if len(parts) < 4 or parts[0] != ROOT or not all(parts):
        return None
    return Origin(parts[1], parts[2], parts[3])
