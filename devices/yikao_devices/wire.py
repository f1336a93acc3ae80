"""The messages between gateway and server, as JSON that a program checks while it reads it.

A gateway sends `Message`s of 1 to 100 items; each item says by `kind` what it is. The server
answers with a `Receipt` once the items are in its database, and only that receipt lets the
gateway forget them. Unknown fields are tolerated, so that an old server understands a new gateway.

Units stand in the names. A pressure is always there in mmHg and a glucose in mmol/L; where the
device itself speaks kPa or mg/dL its own number is sent beside it, and `unit` says which is the
device's: limits are compared in the device's unit, so that rounding never decides.

Codes: docs/glossary.md. Signature and topics: topics.py.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from msgspec import Meta, Raw, Struct, ValidationError, json

VERSION: Final = 1
CONTENT_TYPE: Final = "application/vnd.yikao.reading+json;v=1"
ITEMS_MAX: Final = 100
"""Items in one message: a full message stays below 100 kB, and one signature serves them all."""
MESSAGE_BYTES_MAX: Final = 256 * 1024
"""A longer message is quarantined unread."""
TEXT_MAX: Final = 500

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^/+#\x00-\x1f]+$")]
"""Gateway and tenant names: they are levels of a topic, so none of its special characters."""
Address = Annotated[str, Meta(min_length=1, max_length=64)]
Code = Annotated[str, Meta(min_length=1, max_length=48, pattern=r"^[a-z0-9_]+$")]
Codes = Annotated[tuple[Code, ...], Meta(max_length=32)]
Hex = Annotated[str, Meta(max_length=1024, extra_json_schema={"pattern": r"^([0-9a-f]{2})*$"})]
"""Bytes. `decode_item` sees to the pattern: as one it would cost more than all the rest."""
Aware = Annotated[datetime, Meta(tz=True)]
Pressure = Annotated[float, Meta(ge=-10_000, le=100_000)]
Concentration = Annotated[float, Meta(ge=0, le=1_000_000)]
Pulse = Annotated[float, Meta(ge=-10_000, le=100_000)]
Boot = Annotated[int, Meta(ge=0, le=2**53)]
"""How often the gateway has started: tells an old will from a new one."""
Record = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Seconds = Annotated[float, Meta(ge=-1e12, le=1e12)]
"""Wider than the calendar: a device whose clock says year 1 or 9999 still delivers its reading."""


class Clocks(Struct, frozen=True, omit_defaults=True):
    """`t_dev`: the device's wall clock as sent; `t_hub`: the gateway's when the record arrived."""

    t_hub: Aware
    t_dev: Annotated[str, Meta(max_length=32)] | None = None
    device_offset_s: Seconds | None = None
    """Device minus gateway, measured at this connection."""


class BloodPressureReading(
    Struct, frozen=True, omit_defaults=True, tag="blood_pressure", tag_field="kind"
):
    """One completed measurement of a cuff."""

    reading_id: UUID
    device: Address
    measured_at: Aware
    doubt_s: Seconds
    clocks: Clocks
    systolic_mmhg: Pressure
    diastolic_mmhg: Pressure
    unit: Literal["mmHg", "kPa"]
    mean_mmhg: Pressure | None = None
    pulse_bpm: Pulse | None = None
    systolic_kpa: Pressure | None = None
    diastolic_kpa: Pressure | None = None
    mean_kpa: Pressure | None = None
    record: Record | None = None
    user: Annotated[int, Meta(ge=0, le=255)] | None = None
    model: Annotated[str, Meta(max_length=64)] | None = None
    flags: Codes = ()
    frame: Hex = ""


class GlucoseReading(Struct, frozen=True, omit_defaults=True, tag="glucose", tag_field="kind"):
    """One fingerstick; without a number where the meter says HI or LO (flags `hi`, `lo`)."""

    reading_id: UUID
    device: Address
    measured_at: Aware
    doubt_s: Seconds
    clocks: Clocks
    record: Record
    unit: Literal["mmol/L", "mg/dL"]
    glucose_mmol_l: Concentration | None = None
    glucose_mg_dl: Concentration | None = None
    meal: Code | None = None
    user: Annotated[int, Meta(ge=0, le=255)] | None = None
    model: Annotated[str, Meta(max_length=64)] | None = None
    flags: Codes = ()
    frame: Hex = ""


class SymptomReport(Struct, frozen=True, omit_defaults=True, tag="symptom", tag_field="kind"):
    """What the resident says: codes of the symptom table, through the gateway's own page."""

    reading_id: UUID
    device: Address
    measured_at: Aware
    doubt_s: Seconds
    clocks: Clocks
    symptoms: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=32)]
    user: Annotated[int, Meta(ge=0, le=255)] | None = None


class DeviceEvent(Struct, frozen=True, omit_defaults=True, tag="event", tag_field="kind"):
    """What a device did that is no reading: a failed measurement, control solution, low battery.

    `call_me`: somebody at home asks to be called. `device` is the gateway itself where nobody said
    whose device stands for them.
    """

    reading_id: UUID
    device: Address
    measured_at: Aware
    doubt_s: Seconds
    clocks: Clocks
    code: Code
    frame: Hex = ""


class RefusedFrame(Struct, frozen=True, omit_defaults=True, tag="refused", tag_field="kind"):
    """Bytes that no decoder understood; they travel so that a person can look at them."""

    reading_id: UUID
    device: Address
    characteristic: Annotated[str, Meta(max_length=36)]
    frame: Hex
    reason: Annotated[str, Meta(max_length=TEXT_MAX)]
    clocks: Clocks


Reading = BloodPressureReading | GlucoseReading
Item = BloodPressureReading | GlucoseReading | SymptomReport | DeviceEvent | RefusedFrame


_KINDS: Final = {form: str(form.__struct_config__.tag) for form in get_args(Item)}


def kind_of(item: Item) -> str:
    """Return the item's `kind`, which is also the last level of its topic."""
    return _KINDS[type(item)]


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
    """Something to show or speak at home; worthless after `expires_at`."""

    command_id: UUID
    do: Literal["measure_again", "show"]
    device: Address
    text_zh: Annotated[str, Meta(max_length=TEXT_MAX)]
    text_en: Annotated[str, Meta(max_length=TEXT_MAX)]
    expires_at: Aware


class CommandResult(Struct, frozen=True, omit_defaults=True):
    """The gateway's answer: `shown`, or `expired` when it came too late."""

    command_id: UUID
    outcome: Literal["shown", "expired"]
    t: Aware


_decode_item = json.Decoder(Item).decode


def decode_item(raw: bytes | Raw) -> Item:
    """Return an item; refuses with msgspec's `DecodeError` what is none."""
    item: Item = _decode_item(raw)
    if not isinstance(item, SymptomReport) and not _is_hex(item.frame):
        raise ValidationError("Expected pairs of hexadecimal digits - at `$.frame`")
    return item


def _is_hex(text: str) -> bool:
    try:
        return bytes.fromhex(text).hex() == text
    except ValueError:
        return False


encode_item = json.Encoder().encode
encode = json.Encoder().encode
decode_message = json.Decoder(Message).decode
decode_receipt = json.Decoder(Receipt).decode
decode_birth = json.Decoder(Birth).decode
decode_status = json.Decoder(Status).decode
decode_command = json.Decoder(Command).decode
decode_command_result = json.Decoder(CommandResult).decode
