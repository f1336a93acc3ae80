"""Messages that cannot be used, of every kind, and what has to be in the quarantine of each.

They come from a gateway that is registered and signs what it sends, unless that is their fault.
Chance is given: the same seed makes the same poison, but for the keys that sign it.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from clinic import TENANT, Signer, event, glucose, pressure, refused, symptoms
from msgspec import Raw

from yikao_devices import topics, wire
from yikao_ingest.accept import AGE_MAX, FUTURE_MAX, Incoming
from yikao_ingest.reasons import Reason
from yikao_ingest.setting_aside import KEPT_BYTES

GIANT_BYTES = 10_000_000
GIANT_EVERY, LONG_EVERY = 2_500, 250
"""Of so many messages one has ten megabytes, and one is a little too long."""
NESTED = (2_000, 20_000)
HUGE = 50_000
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))
"""What JSON has nowhere."""
HALF = frozenset({Reason.UNREADABLE, Reason.ITEM_UNREADABLE})
"""Of the message or of its item: a decoder may notice either here or there."""


@dataclass(frozen=True, slots=True)
class Poison:
    """A message; the reasons of which one is right; its bytes as the quarantine has them.

    Where the reasons or the bytes are several, one of them is right. good: those of its items that
    can be used.
    """

    message: Incoming
    reasons: frozenset[Reason]
    kept: tuple[bytes, ...]
    good: tuple[wire.Item, ...] = ()


class Poisoner:
    """Makes poison, from a gateway and its cuff; `other` is another gateway, with its own cuff.

    now: when it is sent.
    """

    def __init__(
        self,
        chance: random.Random,
        now: datetime,
        own: tuple[Signer, str],
        other: tuple[Signer, str],
    ) -> None:
        self._chance = chance
        self._signer, self._cuff = own
        self._other, self._others_cuff = other
        self._stranger = Signer("nobody-knows")
        self._now = now
        self._kinds: Sequence[Callable[[], Poison]] = (
            *(self._truncated, self._control_byte, self._noise, self._nested),
            *(self._no_number, self._out_of_range, self._implausible, self._no_time),
            *(self._future, self._ancient, self._unknown_gateway, self._other_tenant),
            *(self._unknown_device, self._anothers_device, self._wrong_unit, self._units_disagree),
            *(self._forged, self._unsigned, self._on_anothers_topic, self._in_anothers_name),
            *(self._no_topic, self._zero_byte, self._surrogate, self._twice_in_one, self._huge_id),
            *(self._wrong_shape, self._wrong_item, self._refused_frame, self._among_good),
        )

    def poison(self, count: int) -> Iterator[Poison]:
        """Yield so many messages, each kind as often, in any order."""
        for number in range(count):
            if number % len(self._kinds) == 0:
                kinds = self._chance.sample(self._kinds, len(self._kinds))
            if number % GIANT_EVERY == 0:
                yield self._overlong(GIANT_BYTES)
            elif number % LONG_EVERY == 1:
                yield self._overlong(wire.MESSAGE_BYTES_MAX + 1)
            else:
                yield kinds[number % len(kinds)]()

    def talk(self) -> Incoming:
        """Return a gateway's word on itself that cannot be used: it is no data, and only logged."""
        channel = self._chance.choice((topics.BIRTH, topics.STATUS, topics.COMMAND_RESULT))
        return self._signer.sign(self._chance.randbytes(self._chance.randrange(200)), channel)

    # The parts that all of them are made of.

    def _id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)

    def _reading(self, **more: object) -> wire.BloodPressureReading:
        back = timedelta(minutes=self._chance.uniform(1, 60 * 24))
        values: dict[str, object] = {"at": self._now - back, "device": self._cuff}
        values |= {"clocks": wire.Clocks(self._now)}
        return pressure(reading_id=self._id(), **(values | more))  # type: ignore[arg-type]

    def _raw(self, **more: object) -> bytes:
        return wire.encode_item(self._reading(**more))

    def _without(self, old: bytes, *new: bytes) -> bytes:
        """Return a reading in which one of `new` stands in the place of `old`."""
        raw = self._raw()
        assert raw.count(old) == 1, old
        return raw.replace(old, self._chance.choice(new))

    def _item(self, raw: bytes, *reasons: Reason) -> Poison:
        """Return the message of an item that is refused."""
        message = self._signer.send(raw)
        return Poison(message, frozenset(reasons), (raw, message.payload))

    def _whole(self, message: Incoming, *reasons: Reason) -> Poison:
        """Return a message that is refused as a whole."""
        return Poison(message, frozenset(reasons), (message.payload,))

    def _signed(self, payload: bytes, reason: Reason = Reason.UNREADABLE) -> Poison:
        return self._whole(self._signer.sign(payload, f"{topics.READING}/blood_pressure"), reason)

    def _payload(self, *items: bytes, **more: object) -> bytes:
        raw = tuple(map(Raw, items)) or (Raw(self._raw()),)
        values: dict[str, object] = {"gateway": self._signer.gateway, "boot": 1}
        values |= {"sent_at": self._now, "items": raw}
        return wire.encode(wire.Message(**(values | more)))  # type: ignore[arg-type]

    # What is no JSON, or too much of it.

    def _truncated(self) -> Poison:
        payload = self._payload()
        return self._signed(payload[: self._chance.randrange(len(payload))])

    def _control_byte(self) -> Poison:
        raw = bytearray(self._payload())
        raw[self._chance.randrange(len(raw))] = self._chance.choice(CONTROLS)
        payload = bytes(raw)
        start = payload.find(b'"items":[') + len(b'"items":[')
        poison = self._signed(payload)
        return replace(poison, reasons=HALF, kept=(payload, payload[start : payload.rfind(b"]")]))

    def _noise(self) -> Poison:
        return self._signed(self._chance.randbytes(self._chance.randrange(300)))

    def _nested(self) -> Poison:
        depth = self._chance.randint(*NESTED)
        opening = self._chance.choice((b"[", b'{"a":'))
        if self._chance.random() < 0.5:
            return self._signed(opening * depth + self._raw())
        field = b'"unit":"mmHg","x":' + b"[" * depth + b"]" * depth
        return self._item(self._without(b'"unit":"mmHg"', field), *HALF)

    def _overlong(self, length: int) -> Poison:
        """Return a message that nobody reads, and of which the beginning is kept."""
        poison = self._signed(self._payload().ljust(length), Reason.TOO_LONG)
        return replace(poison, kept=(poison.message.payload[:KEPT_BYTES],))

    # What says something that cannot be.

    def _no_number(self) -> Poison:
        words = (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"0x80", b"01", b"--1", b"1.", b"+1")
        return self._item(self._without(b"128.0", *words), *HALF)

    def _out_of_range(self) -> Poison:
        numbers = (b"1e9", b"-1e9", b"1" + b"0" * 400, b"100000.1", b"-1e300")
        records = (b"-1", b"2147483648", b"1.5", b"1" + b"0" * 400)
        users = (b"-1", b"256", b"1e400")
        raws = (
            self._without(b"128.0", *numbers),
            self._without(b"70.0", *numbers),
            self._without(b'"mmHg"', *(b'"mmHg","record":' + number for number in records)),
            self._without(b'"mmHg"', *(b'"mmHg","user":' + number for number in users)),
        )
        return self._item(self._chance.choice(raws), *HALF)

    def _implausible(self) -> Poison:
        high = self._chance.randint(330, 90_000)
        return self._item(self._raw(systolic=high, diastolic=high - 40), Reason.IMPLAUSIBLE)

    def _no_time(self) -> Poison:
        words = ("yesterday", "", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "1772459400")
        word = f'"measured_at":"{self._chance.choice(words)}","doubt_s":1.0'.encode()
        raw = self._raw()
        at = raw.index(b'"measured_at"'), raw.index(b',"clocks"')
        return self._item(raw[: at[0]] + word + raw[at[1] :], Reason.ITEM_UNREADABLE)

    def _future(self) -> Poison:
        ahead = FUTURE_MAX + timedelta(minutes=self._chance.choice((2, 60, 10**6)))
        raw = self._raw(at=self._now + ahead)
        last = self._raw(at=datetime.max.replace(tzinfo=self._now.tzinfo))
        return self._item(self._chance.choice((raw, last)), Reason.FUTURE)

    def _ancient(self) -> Poison:
        raw = self._raw(at=self._now - AGE_MAX - timedelta(days=self._chance.randint(1, 5000)))
        first = self._raw(at=datetime.min.replace(tzinfo=self._now.tzinfo))
        return self._item(self._chance.choice((raw, first)), Reason.ANCIENT)

    def _wrong_unit(self) -> Poison:
        words = (b'"mg/dL"', b'"mmhg"', b'"cmH2O"', b"null", b"7")
        return self._item(self._without(b'"mmHg"', *words), Reason.ITEM_UNREADABLE)

    def _units_disagree(self) -> Poison:
        pricked = glucose(6.1, at=self._now, device=self._cuff, reading_id=self._id())
        faults = (
            self._raw(unit="kPa"),
            self._raw(unit="kPa", systolic_kpa=17.1, diastolic_kpa=17.1),
            wire.encode_item(replace_in(pricked, unit="mg/dL")),
            wire.encode_item(replace_in(pricked, glucose_mg_dl=200.0)),
        )
        return self._item(self._chance.choice(faults), Reason.UNITS_DISAGREE)

    def _refused_frame(self) -> Poison:
        reason = self._chance.choice(("no such flag", "\0", "长" * 500))
        frame = replace_in(refused(reason, device=self._cuff), reading_id=self._id())
        return self._item(wire.encode_item(frame), Reason.FRAME_REFUSED)

    # What is not from whom it says, or not from anybody.

    def _unknown_gateway(self) -> Poison:
        names = ("nobody-knows", "家", "x" * 1000, " ", "home-0000 ")
        stranger = replace(self._stranger, gateway=self._chance.choice(names))
        return self._whole(stranger.send(self._raw()), Reason.UNKNOWN_GATEWAY)

    def _other_tenant(self) -> Poison:
        channel = f"{topics.READING}/blood_pressure"
        message = self._signer.sign(self._payload(), channel, tenant=f"not {TENANT}")
        return self._whole(message, Reason.UNKNOWN_GATEWAY)

    def _unknown_device(self) -> Poison:
        names = ("C4:1D:FF:FF:FF:FF", "\0", "家", "'; DROP TABLE reading; --", "x" * 64)
        raw = self._raw(device=self._chance.choice(names))
        return self._item(raw, Reason.UNKNOWN_DEVICE)

    def _anothers_device(self) -> Poison:
        at = self._now - timedelta(seconds=self._chance.uniform(1, 10**6))
        items = (
            self._reading(device=self._others_cuff),
            replace_in(event(at=at, device=self._others_cuff), reading_id=self._id()),
            replace_in(symptoms("dizzy", at=at, device=self._others_cuff), reading_id=self._id()),
        )
        return self._item(wire.encode_item(self._chance.choice(items)), Reason.UNKNOWN_DEVICE)

    def _forged(self) -> Poison:
        true, other = self._signer.send(self._raw()), self._signer.send(self._raw())
        by_another = self._other.sign(true.payload, "")
        altered = replace(true, payload=true.payload.replace(b"128.0", b"129.0"))
        fakes = (
            altered,
            replace(true, signature=other.signature),
            replace(true, signature=by_another.signature),
            replace(true, signature="A" * 86),
        )
        return self._whole(self._chance.choice(fakes), Reason.BAD_SIGNATURE)

    def _unsigned(self) -> Poison:
        message = self._signer.send(self._raw())
        signature = message.signature
        words = ("", "A", signature[:-2], signature + "A", "签" * 86, "=" * 86, "A" * HUGE)
        return self._whole(replace(message, signature=self._chance.choice(words)), Reason.UNSIGNED)

    def _on_anothers_topic(self) -> Poison:
        topic = topics.topic(TENANT, self._other.gateway, f"{topics.READING}/blood_pressure")
        message = replace(self._signer.send(self._raw()), topic=topic)
        return self._whole(message, Reason.BAD_SIGNATURE)

    def _in_anothers_name(self) -> Poison:
        message = self._signer.send(self._raw(), gateway=self._other.gateway)
        return self._whole(message, Reason.WRONG_GATEWAY)

    def _no_topic(self) -> Poison:
        names = (f"v1//{self._signer.gateway}", f"v1/{TENANT}/")
        topic = f"{self._chance.choice(names)}/reading/blood_pressure"
        return self._whole(
            replace(self._signer.send(self._raw()), topic=topic), Reason.UNKNOWN_TOPIC
        )

    # What a text, a name or a shape can be.

    def _zero_byte(self) -> Poison:
        raw = self._raw(clocks=wire.Clocks(self._now, t_dev="\0"))
        return self._item(raw, Reason.ITEM_UNREADABLE)

    def _surrogate(self) -> Poison:
        lone = (b"\\ud800", b"\\udfff", b"\\ud800\\u0041", b"\xed\xa0\x80", b"\xff", b"\xc0\x80")
        address = self._cuff.encode()
        return self._item(self._without(address, *lone), *HALF)

    def _twice_in_one(self) -> Poison:
        twice = (
            (b'"mmHg","unit":"mg/dL"', Reason.ITEM_UNREADABLE),
            (b'"mg/dL","unit":"mmHg"', Reason.ITEM_UNREADABLE),
            (b'"mmHg","systolic_mmhg":400.0', Reason.IMPLAUSIBLE),
        )
        fields, reason = self._chance.choice(twice)
        return self._item(self._without(b'"mmHg"', fields), reason)

    def _huge_id(self) -> Poison:
        item = self._reading()
        known = str(item.reading_id)
        words = (known * (HUGE // 36), known[:-1], f"{known}0", "", "g" * 36)
        raw = wire.encode_item(item).replace(known.encode(), self._chance.choice(words).encode())
        poison = self._item(raw, Reason.ITEM_UNREADABLE)
        long = replace(poison.message, message_id="m" * self._chance.choice((1, HUGE)))
        return replace(
            poison, message=replace(long, key_id="k" * self._chance.choice((0, HUGE // 5)))
        )

    def _wrong_shape(self) -> Poison:
        empty = self._payload().replace(b'"items":[', b'"items":[],"x":[')
        shapes = (
            self._payload(*[self._raw()] * (wire.ITEMS_MAX + 1)),
            empty,
            self._payload(v=2),
            self._payload(boot=-1),
            self._payload(boot=2**63),
            self._payload(gateway="x" * 65),
            self._payload(gateway="a/b"),
            b"[" + self._payload() + b"]",
            self._payload() + self._payload(),
            json.dumps({"gateway": str(self._id())}).encode(),
        )
        return self._signed(self._chance.choice(shapes))

    def _wrong_item(self) -> Poison:
        known = str(self._id())
        items: tuple[object, ...] = (
            {"kind": "weight", "reading_id": known},
            {"kind": "blood_pressure", "reading_id": known},
            {"kind": None, "reading_id": known},
            {"reading_id": known},
            [known],
            known,
        )
        return self._item(json.dumps(self._chance.choice(items)).encode(), Reason.ITEM_UNREADABLE)

    def _among_good(self) -> Poison:
        good = tuple(self._reading() for _ in range(self._chance.randint(1, 20)))
        bad = self._raw(systolic=400)
        at = self._chance.randint(0, len(good))
        message = self._signer.send(*good[:at], bad, *good[at:])
        return Poison(message, frozenset({Reason.IMPLAUSIBLE}), (bad,), good)


def replace_in(item: wire.Item, **changes: object) -> wire.Item:
    """Return an item with other values."""
    fields = {name: getattr(item, name) for name in item.__struct_fields__}
    return type(item)(**(fields | changes))


def ids(items: Sequence[wire.Item]) -> set[UUID]:
    return {item.reading_id for item in items}
