"""What may enter: each message is judged, and each of its items by itself.

Pure: bytes, the registry and the time go in; rows come out, or entries for the quarantine with
their reason and bytes. One bad item costs no other. Nothing raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from yikao_alerts.possible import impossible
from yikao_alerts.rules import RuleSet
from yikao_devices import topics, wire
from yikao_devices.symptoms import CALL_ME
from yikao_ingest.agreement import disagreement
from yikao_ingest.directory import Device, Directory, Gateway
from yikao_ingest.packed import pack
from yikao_ingest.reasons import Reason
from yikao_ingest.signature import SIGNATURE_BYTES, decode_base64url, genuine
from yikao_ingest.whose import Nobody, whose

FUTURE_MAX: Final = timedelta(minutes=5)
"""A gateway's clock is kept by the network; one further ahead than this is wrong."""
AGE_MAX: Final = timedelta(days=5 * 365)
"""No cuff stores for so long; an older time is a clock that was never set."""
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises: wrong content, no UTF-8, and brackets nested beyond the decoder's stack."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it came from the broker, with the properties that travelled beside it."""

    topic: str
    payload: bytes
    key_id: str = ""
    signature: str = ""
    message_id: str = ""


class AcceptedReading(msgspec.Struct, frozen=True, gc=False):
    """A reading that becomes a row of this resident. No dataclass: there are thousands a second."""

    patient_id: int
    device_id: int
    item: wire.Reading


@dataclass(frozen=True, slots=True)
class AcceptedSymptoms:
    """A symptom report of this resident."""

    patient_id: int
    item: wire.SymptomReport


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """Something a device did."""

    item: wire.DeviceEvent


@dataclass(frozen=True, slots=True)
class AcceptedCall:
    """Somebody asks to be called: one of these residents."""

    patients: frozenset[int]
    item: wire.DeviceEvent


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What cannot be used, with its bytes; `reading_id` where it could be read."""

    reason: Reason
    detail: str
    payload: bytes
    reading_id: UUID | None = None
    patient_id: int | None = None
    measured_at: datetime | None = None


Accepted = AcceptedReading | AcceptedSymptoms | AcceptedEvent | AcceptedCall


@dataclass(frozen=True, slots=True)
class Sender:
    """The gateway that provably sent a message, and what proves it."""

    gateway: Gateway
    channel: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one message. `origin` is None where nobody can be told."""

    incoming: Incoming
    origin: topics.Origin | None
    signature: bytes
    items: tuple[Accepted | Quarantined, ...]
    whole: bool = False
    """The message was refused as a whole: its one item stands for all of it."""
    kept: bytes = b""
    """The message packed, to be kept with its signature; one refused as a whole is not."""


class _Identified(msgspec.Struct):
    """The least that can be read of an item whose rest cannot."""

    reading_id: UUID


_identify = msgspec.json.Decoder(_Identified).decode


def identify(incoming: Incoming, directory: Directory) -> Sender | Quarantined:
    """Return who provably sent a message, or why nobody did: topic, registry and signature agree.

    The broker's own access rules are not relied on.
    """

    def refuse(reason: Reason, detail: str) -> Quarantined:
        return Quarantined(reason, detail, incoming.payload)

    origin = topics.parse_topic(incoming.topic)
    if origin is None:
        return refuse(Reason.UNKNOWN_TOPIC, "no topic of ours")
    gateway = directory.gateways.get(origin.gateway)
    if gateway is None or gateway.tenant != origin.tenant:
        return refuse(Reason.UNKNOWN_GATEWAY, "no such gateway in the registry")
    if gateway.withdrawn:
        return refuse(Reason.GATEWAY_WITHDRAWN, "withdrawn: nothing is taken from it")
    if len(incoming.payload) > wire.MESSAGE_BYTES_MAX:
        return refuse(Reason.TOO_LONG, f"{len(incoming.payload)} bytes")
    signature = decode_base64url(incoming.signature, SIGNATURE_BYTES)
    if signature is None:
        return refuse(Reason.UNSIGNED, "no signature of 64 bytes")
    if not genuine(gateway.public_key, signature, incoming.payload):
        return refuse(Reason.BAD_SIGNATURE, "not signed by this gateway")
    return Sender(gateway, origin.channel, signature)


def judge(incoming: Incoming, directory: Directory, rules: RuleSet, now: datetime) -> Judged:
    """Return the verdict on a message that arrived at `now`."""
    origin = topics.parse_topic(incoming.topic)
    sender = identify(incoming, directory)
    if isinstance(sender, Quarantined):
        return Judged(incoming, origin, b"", (sender,), whole=True)
    message = _read(incoming, sender.gateway)
    if isinstance(message, Quarantined):
        return Judged(incoming, origin, b"", (message,), whole=True)
    items = tuple(
        _judged(item, raw, sender.gateway, directory, rules, now)
        for item, raw in zip(_items(incoming, message), message.items, strict=True)
    )
    return Judged(incoming, origin, sender.signature, items, kept=pack(incoming.payload))


def _read(incoming: Incoming, gateway: Gateway) -> wire.Message | Quarantined:
    """Return the message, its items still raw, or why it is refused as a whole."""

    def refuse(reason: Reason, detail: str) -> Quarantined:
        return Quarantined(reason, detail, incoming.payload)

    try:
        message = wire.decode_message(incoming.payload)
    except UNREADABLE as error:
        return refuse(Reason.UNREADABLE, str(error))
    if message.v != wire.VERSION:
        return refuse(Reason.UNREADABLE, f"version {message.v}; this server reads {wire.VERSION}")
    if message.gateway != gateway.gateway_id:
        return refuse(Reason.WRONG_GATEWAY, "the message names another gateway than its topic")
    return message


def _items(incoming: Incoming, message: wire.Message) -> Sequence[wire.Item | Quarantined]:
    """Return what the items are: read together, and each by itself where one cannot be read."""
    try:
        return wire.decode_items(incoming.payload)
    except UNREADABLE:
        return [_item(raw) for raw in message.items]


def _item(raw: msgspec.Raw) -> wire.Item | Quarantined:
    try:
        return wire.decode_item(raw)
    except UNREADABLE as error:
        return Quarantined(Reason.ITEM_UNREADABLE, str(error), bytes(raw), _identity(raw))


def judge_item(
    raw: msgspec.Raw, gateway: Gateway, directory: Directory, rules: RuleSet, now: datetime
) -> Accepted | Quarantined:
    """Return the verdict on an item that `gateway` provably sent and that arrived at `now`."""
    return _judged(_item(raw), raw, gateway, directory, rules, now)


def _judged(
    item: wire.Item | Quarantined,
    raw: msgspec.Raw,
    gateway: Gateway,
    directory: Directory,
    rules: RuleSet,
    now: datetime,
) -> Accepted | Quarantined:
    if isinstance(item, Quarantined):
        return item
    if isinstance(item, wire.RefusedFrame):
        return Quarantined(Reason.FRAME_REFUSED, item.reason, bytes(raw), item.reading_id)
    return _place(item, raw, gateway, directory, rules, now)


def _place(
    item: wire.Reading | wire.SymptomReport | wire.DeviceEvent,
    raw: msgspec.Raw,
    gateway: Gateway,
    directory: Directory,
    rules: RuleSet,
    now: datetime,
) -> Accepted | Quarantined:
    """Return whose item it is, unless its device, time or values cannot be."""
    at, identity = item.measured_at, item.reading_id
    device = directory.devices.get(item.device)
    if device is not None and device.gateway_id != gateway.gateway_id:
        device = None
    if device is None and item.device != gateway.gateway_id:
        detail = "the device is not registered for this gateway"
        return Quarantined(Reason.UNKNOWN_DEVICE, detail, bytes(raw), identity)
    owner = whose(item, device, directory)
    if untimely := _untimely(item, now):
        patient_id = None if isinstance(owner, Nobody) else owner
        # A time that no calendar holds in every zone cannot be shown again.
        kept_at = at if MINYEAR < at.year < MAXYEAR else None
        return Quarantined(*untimely, bytes(raw), identity, patient_id, kept_at)
    if isinstance(item, wire.DeviceEvent):
        return _event(item, raw, device, gateway, directory)
    if isinstance(owner, Nobody):
        return Quarantined(*owner, bytes(raw), identity, None, at)
    assert device is not None, "what no device measured is nobody's"
    if isinstance(item, wire.SymptomReport):
        return AcceptedSymptoms(owner, item)
    if fault := _unusable(item, rules):
        return Quarantined(*fault, bytes(raw), identity, owner, at)
    return AcceptedReading(owner, device.device_id, item)


def _event(
    item: wire.DeviceEvent,
    raw: msgspec.Raw,
    device: Device | None,
    gateway: Gateway,
    directory: Directory,
) -> Accepted | Quarantined:
    """Return an event; a call for help is that of the device's holders, or else of all at home."""
    if item.code != CALL_ME:
        return AcceptedEvent(item)
    at = item.measured_at
    asking = device.holders(at) if device is not None else frozenset()
    asking = asking or directory.at_home(gateway.gateway_id, at)
    if not asking:
        detail = "nobody has a device at this gateway: nobody knows who asks to be called"
        return Quarantined(Reason.NO_BINDING, detail, bytes(raw), item.reading_id, None, at)
    return AcceptedCall(asking, item)


def _untimely(
    item: wire.Reading | wire.SymptomReport | wire.DeviceEvent, now: datetime
) -> tuple[Reason, str] | None:
    """Return what is wrong with an item's times: also those that could not be stored or shown."""
    clocks = item.clocks
    if item.measured_at > now + FUTURE_MAX:
        return Reason.FUTURE, "measured in the future"
    if item.measured_at < now - AGE_MAX:
        return Reason.ANCIENT, "measured more than five years ago"
    if "\0" in (clocks.t_dev or ""):
        return Reason.ITEM_UNREADABLE, "a zero byte in the device's own time"
    if not MINYEAR < clocks.t_hub.year < MAXYEAR:
        return Reason.ITEM_UNREADABLE, "the gateway's time is in no calendar"
    return None


def _unusable(item: wire.Reading, rules: RuleSet) -> tuple[Reason, str] | None:
    """Return what is wrong with a reading's values."""
    if fault := disagreement(item):
        return Reason.UNITS_DISAGREE, fault
    rule = impossible(rules, item)
    return None if rule is None else (Reason.IMPLAUSIBLE, rule.id)


def _identity(raw: msgspec.Raw) -> UUID | None:
    try:
        return _identify(raw).reading_id
    except UNREADABLE:
        return None
