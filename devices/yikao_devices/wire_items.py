"""What a gateway tells of: readings of six kinds, symptoms, events, and bytes nobody understood.

Each says by `kind` what it is. Units stand in the names, and `unit` says which is the device's own:
a pressure is always there in mmHg, a glucose in mmol/L, a weight in kg and a temperature in degrees
Celsius; where the device itself speaks another unit its own number is sent beside it, and limits
are compared in the device's unit, so that rounding never decides.

Codes: docs/glossary.md and codes.py.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from msgspec import Meta, Raw, Struct, ValidationError, json

TEXT_MAX: Final = 500

Address = Annotated[str, Meta(min_length=1, max_length=64)]
Code = Annotated[str, Meta(min_length=1, max_length=48, pattern=r"^[a-z0-9_]+$")]
Codes = Annotated[tuple[Code, ...], Meta(max_length=32)]
Hex = Annotated[str, Meta(max_length=1024, extra_json_schema={"pattern": r"^([0-9a-f]{2})*$"})]
"""Bytes. `decode_item` sees to the pattern: as one it would cost more than all the rest."""
Aware = Annotated[datetime, Meta(tz=True)]
Pressure = Annotated[float, Meta(ge=-10_000, le=100_000)]
Concentration = Annotated[float, Meta(ge=0, le=1_000_000)]
Pulse = Annotated[float, Meta(ge=-10_000, le=100_000)]
Mass = Annotated[float, Meta(ge=0, le=1_000_000)]
Degrees = Annotated[float, Meta(ge=-10_000, le=100_000)]
Percent = Annotated[float, Meta(ge=-10_000, le=100_000)]
Record = Annotated[int, Meta(ge=0, le=2**31 - 1)]
User = Annotated[int, Meta(ge=0, le=255)]
Card = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
"""What the code on a resident's card says: a random name that only the registry can read."""
Seconds = Annotated[float, Meta(ge=-1e12, le=1e12)]
"""Wider than the calendar: a device whose clock says year 1 or 9999 still delivers its reading."""


class Clocks(Struct, frozen=True, omit_defaults=True):
    """`t_dev`: the device's wall clock as sent; `t_hub`: the gateway's when the record arrived."""

    t_hub: Aware
    t_dev: Annotated[str, Meta(max_length=32)] | None = None
    device_offset_s: Seconds | None = None
    """Device minus gateway, measured at this connection."""


class Measured(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What all readings have."""

    reading_id: UUID
    device: Address
    measured_at: Aware
    doubt_s: Seconds
    clocks: Clocks
    record: Record | None = None
    user: User | None = None
    model: Annotated[str, Meta(max_length=64)] | None = None
    flags: Codes = ()
    frame: Hex = ""
    place: Literal["home", "office"] = "home"
    """`office`: at a station that many use, where numbers are others than at home."""
    card: Card | None = None
    """Whose card was held before the station's reader; it says whose reading this is."""


class BloodPressureReading(Measured, frozen=True, tag="blood_pressure", tag_field="kind"):
    """One completed measurement of a cuff."""

    systolic_mmhg: Pressure
    diastolic_mmhg: Pressure
    unit: Literal["mmHg", "kPa"]
    mean_mmhg: Pressure | None = None
    pulse_bpm: Pulse | None = None
    systolic_kpa: Pressure | None = None
    diastolic_kpa: Pressure | None = None
    mean_kpa: Pressure | None = None


class GlucoseReading(Measured, frozen=True, tag="glucose", tag_field="kind"):
    """One fingerstick; without a number where the meter says HI or LO (flags `hi`, `lo`)."""

    record: Record
    unit: Literal["mmol/L", "mg/dL"]
    glucose_mmol_l: Concentration | None = None
    glucose_mg_dl: Concentration | None = None
    meal: Code | None = None


class WeightReading(Measured, frozen=True, tag="weight", tag_field="kind"):
    """One weighing on a scale."""

    unit: Literal["kg", "lb"]
    weight_kg: Mass
    weight_lb: Mass | None = None


class TemperatureReading(Measured, frozen=True, tag="temperature", tag_field="kind"):
    """One completed measurement of a thermometer; flags say where (`site_ear`)."""

    unit: Literal["Cel", "[degF]"]
    temperature_c: Degrees
    temperature_f: Degrees | None = None


class OximetryReading(Measured, frozen=True, tag="oximetry", tag_field="kind"):
    """Oxygen saturation by a clip on a finger, and the pulse that it counted."""

    spo2_pct: Percent
    unit: Literal["%"] = "%"
    pulse_bpm: Pulse | None = None


class HeartRateReading(Measured, frozen=True, tag="heart_rate", tag_field="kind"):
    """Beats a minute by a chest strap or watch: the median of a minute of its stream."""

    pulse_bpm: Pulse
    unit: Literal["/min"] = "/min"


class SymptomReport(Struct, frozen=True, omit_defaults=True, tag="symptom", tag_field="kind"):
    """What the resident says: codes of the symptom table, through the gateway's own page."""

    reading_id: UUID
    device: Address
    measured_at: Aware
    doubt_s: Seconds
    clocks: Clocks
    symptoms: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=32)]
    user: User | None = None


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


Reading = (
    BloodPressureReading
    | GlucoseReading
    | WeightReading
    | TemperatureReading
    | OximetryReading
    | HeartRateReading
)
Item = Reading | SymptomReport | DeviceEvent | RefusedFrame


_KINDS: Final = {form: str(form.__struct_config__.tag) for form in get_args(Item)}


def kind_of(item: Item) -> str:
    """Return the item's `kind`, which is also the last level of its topic."""
    return _KINDS[type(item)]


class _Items(Struct):
    """A message of which only the items are looked at."""

    items: tuple[Item, ...]


_decode_item = json.Decoder(Item).decode
_decode_items = json.Decoder(_Items).decode


def decode_item(raw: bytes | Raw) -> Item:
    """Return an item; refuses with msgspec's `DecodeError` what is none."""
    item: Item = _decode_item(raw)
    _check_frames([item])
    return item


def decode_items(message: bytes) -> tuple[Item, ...]:
    """Return the items of a message, which is cheaper than one by one; refuses all for any."""
    items = _decode_items(message).items
    _check_frames(items)
    return items


def _check_frames(items: Sequence[Item]) -> None:
    frames = [item.frame for item in items if not isinstance(item, SymptomReport)]
    try:
        # A space may stand between two bytes, and nowhere in one: an odd digit is refused with it.
        right = bytes.fromhex(" ".join(frames)).hex() == "".join(frames)
    except ValueError:
        right = False
    if not right:
        raise ValidationError("Expected pairs of hexadecimal digits - at `$.frame`")


encode_item = json.Encoder().encode
