"""The messages between gateway and server, as JSON that a program checks while it reads it.

A gateway sends `Message`s of 1 to 100 items; what an item may be stands in wire_items.py. The
server answers with a `Receipt` once the items are in its database, and only that receipt lets the
gateway forget them. Unknown fields are tolerated, so that an old server understands a new gateway.

Signature and topics: topics.py.
"""

from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import DecodeError, Meta, Raw, Struct, json

from yikao_devices.wire_configuration import Configuration as Configuration
from yikao_devices.wire_configuration import ConfigurationState as ConfigurationState
from yikao_devices.wire_configuration import InForce as InForce
from yikao_devices.wire_configuration import Machine as Machine
from yikao_devices.wire_configuration import decode_configuration as decode_configuration
from yikao_devices.wire_configuration import (
    decode_configuration_state as decode_configuration_state,
)
from yikao_devices.wire_items import TEXT_MAX, Address, Aware, Code
from yikao_devices.wire_items import BloodPressureReading as BloodPressureReading
from yikao_devices.wire_items import Clocks as Clocks
from yikao_devices.wire_items import DeviceEvent as DeviceEvent
from yikao_devices.wire_items import GlucoseReading as GlucoseReading
from yikao_devices.wire_items import HeartRateReading as HeartRateReading
from yikao_devices.wire_items import Item as Item
from yikao_devices.wire_items import Measured as Measured
from yikao_devices.wire_items import OximetryReading as OximetryReading
from yikao_devices.wire_items import Reading as Reading
from yikao_devices.wire_items import RefusedFrame as RefusedFrame
from yikao_devices.wire_items import SymptomReport as SymptomReport
from yikao_devices.wire_items import TemperatureReading as TemperatureReading
from yikao_devices.wire_items import WeightReading as WeightReading
from yikao_devices.wire_items import decode_item as decode_item
from yikao_devices.wire_items import decode_items as decode_items
from yikao_devices.wire_items import encode_item as encode_item
from yikao_devices.wire_items import kind_of as kind_of

VERSION: Final = 1
CONTENT_TYPE: Final = "application/vnd.yikao.reading+json;v=1"
ITEMS_MAX: Final = 100
"""Items in one message: a full message stays below 100 kB, and one signature serves them all."""
MESSAGE_BYTES_MAX: Final = 256 * 1024
"""A longer message is quarantined unread."""

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^/+#\x00-\x1f]+$")]
"""Gateway and tenant names: they are levels of a topic, so none of its special characters."""
Boot = Annotated[int, Meta(ge=0, le=2**53)]
"""How often the gateway has started: tells an old will from a new one."""


class Message(Struct, frozen=True, omit_defaults=True):
    """1 to 100 items of one kind from one gateway.

    The items stay raw here: each is decoded by itself, so that one bad item costs no other.
    """

    gateway: Name
    boot: Boot
    sent_at: Aware
    items: Annotated[tuple[Raw, ...], Meta(min_length=1, max_length=ITEMS_MAX)]
    v: int = VERSION
    historical: bool = False


class Rejection(Struct, frozen=True, omit_defaults=True):
    """An item that is in quarantine: the gateway stops sending it and shows the code."""

    reading_id: UUID
    code: Code


class Receipt(Struct, frozen=True, omit_defaults=True):
    """The server's word that these are in its database, as rows or in quarantine."""

    t: Aware
    stored: tuple[UUID, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    refused_message: str | None = None
    """The `mid` of a message that could not be read at all."""
    code: Code | None = None
    v: int = VERSION


class Birth(Struct, frozen=True, omit_defaults=True):
    """Retained: what a gateway is, said at each start."""

    gateway: Name
    boot: Boot
    t: Aware
    version: Annotated[str, Meta(max_length=64)]
    radio: Annotated[str, Meta(max_length=200)]
    devices: Annotated[tuple[Address, ...], Meta(max_length=200)] = ()
    v: int = VERSION
    machine: Machine | None = None


class Status(Struct, frozen=True, omit_defaults=True):
    """Retained heartbeat, and as last will the word that the gateway is gone.

    A will of an older `boot` is out of date and ignored.
    """

    s: Literal["online", "offline"]
    boot: Boot
    t: Aware | None = None
    waiting: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    """Items in the outbox without a receipt."""


class Command(Struct, frozen=True, omit_defaults=True):
    """Something to show or speak at home; worthless after `expires_at`.

    With `show_at` it is kept until then: the gateway says it in time, whatever the network does.
    """

    command_id: UUID
    do: Literal["measure_again", "show"]
    device: Address
    text_zh: Annotated[str, Meta(max_length=TEXT_MAX)]
    text_en: Annotated[str, Meta(max_length=TEXT_MAX)]
    expires_at: Aware
    show_at: Aware | None = None
    """Not before; None: at once."""


class CommandResult(Struct, frozen=True, omit_defaults=True):
    """The gateway's answer: `shown`, `kept` until its time, or `expired` when that was over."""

    command_id: UUID
    outcome: Literal["shown", "kept", "expired"]
    t: Aware


UNREADABLE: Final = (DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises: wrong content, no UTF-8, and brackets nested beyond the decoder's stack."""

encode = json.Encoder().encode
decode_message = json.Decoder(Message).decode
decode_receipt = json.Decoder(Receipt).decode
decode_birth = json.Decoder(Birth).decode
decode_status = json.Decoder(Status).decode
decode_command = json.Decoder(Command).decode
decode_command_result = json.Decoder(CommandResult).decode
