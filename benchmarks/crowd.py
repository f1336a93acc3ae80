"""Homes that do not exist, and what they measured: as our signed messages and as plain JSON.

The messages are made and signed before any clock starts: a gateway has done that long before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid5

import msgspec
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from publishing import Outgoing

from yikao_devices import topics, wire
from yikao_devices.readings import NAMESPACE
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.signature import encode_base64url

GATEWAYS = 500
CUFFS = 2
"""At each gateway; each cuff has a resident of its own."""
PER_MESSAGE = wire.ITEMS_MAX
"""Readings in a message of a backlog."""
APART = timedelta(minutes=10)
BACK = timedelta(days=20)
"""How long ago the first reading was measured."""
PROBES_S = 86_400
"""How long before all others the probes were measured."""
FRAME = "1e7a0052006000ea0703020700004800010000"
"""What a cuff says in one measurement, with its clock, pulse, user and status."""
TENANT = "bench"
CHANNEL = topics.item_channel("blood_pressure")

TEAM = """
[[teams]]
id = "bench"
name = "team"
zone = "Asia/Shanghai"
duty_doctor = "bench"
[[doctors]]
id = "bench"
name = "doctor"
team = "bench"
contacts = [{ channel = "console", address = "desk" }]
"""
GATEWAY = """
[[gateways]]
id = "{gateway}"
tenant = "{tenant}"
public_key = "{key}"
"""
RESIDENT = """
[[residents]]
id = "{cuff}"
name = "resident"
team = "bench"
doctor = "bench"
[[devices]]
address = "{cuff}"
gateway = "{gateway}"
[[bindings]]
device = "{cuff}"
resident = "{cuff}"
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """A reading, the gateway it comes from, and the numbers of its resident and device."""

    gateway: int
    item: wire.BloodPressureReading
    patient_id: int
    device_id: int

    @property
    def key(self) -> tuple[int, datetime]:
        """Return what it is found by: the resident, and when it was measured."""
        return self.patient_id, self.item.measured_at


@dataclass(frozen=True, slots=True)
class Crowd:
    """The homes, as the database knows them: by each cuff's address the resident and the device."""

    keys: Sequence[Ed25519PrivateKey]
    numbers: dict[str, tuple[int, int]]
    since: datetime
    """Nothing is measured before, except by probes."""

    def kept(self, count: int, run: int) -> list[Placed]:
        """Return so many readings by the gateway that kept them, full messages of one after the
        other; none is in two runs."""
        found = []
        for number in range(count):
            message, place = divmod(number, PER_MESSAGE)
            round_, gateway = divmod(message, GATEWAYS)
            found.append(self._reading(gateway, round_ * PER_MESSAGE + place, run))
        return found

    def live(self, count: int, run: int) -> list[Placed]:
        """Return so many readings as they come: the first of each home, then the next."""
        return [self._reading(n % GATEWAYS, n // GATEWAYS, run) for n in range(count)]

    def probe(self, number: int) -> Placed:
        """Return a reading that tells whether somebody listens; it does not count."""
        return self._reading(0, 0, number - PROBES_S)

    def backlog(self, readings: Sequence[Placed]) -> list[Outgoing]:
        """Return signed messages of `PER_MESSAGE` readings."""
        firsts = range(0, len(readings), PER_MESSAGE)
        return [self._signed(readings[n : n + PER_MESSAGE], historical=True) for n in firsts]

    def signed(self, readings: Sequence[Placed]) -> list[Outgoing]:
        """Return a signed message for each reading."""
        return [self._signed([reading], historical=False) for reading in readings]

    def _reading(self, gateway: int, number: int, later_s: int) -> Placed:
        """Return the reading of a gateway with this number, `later_s` later than in run 0."""
        step, cuff_number = divmod(number, CUFFS)
        cuff = _cuff(gateway, cuff_number)
        at = self.since + step * APART + timedelta(seconds=later_s)
        item = wire.BloodPressureReading(
            reading_id=uuid5(NAMESPACE, f"{cuff}/{at.isoformat()}"),
            device=cuff,
            measured_at=at,
            doubt_s=2.0,
            clocks=wire.Clocks(at + timedelta(seconds=9), f"{at:%Y-%m-%dT%H:%M:%S}", 1.5),
            systolic_mmhg=112.0 + (gateway + number) % 35,
            diastolic_mmhg=66.0 + (gateway + number) % 20,
            unit="mmHg",
            mean_mmhg=84.0 + (gateway + number) % 15,
            pulse_bpm=58.0 + (gateway + number) % 30,
            record=number,
            frame=FRAME,
        )
        return Placed(gateway, item, *self.numbers[cuff])

    def sign(self, gateway: int, payload: bytes, message_id: str) -> Outgoing:
        """Return bytes as a message that this gateway signed."""
        properties = (
            (topics.PROPERTY_KEY_ID, "k1"),
            (topics.PROPERTY_SIGNATURE, encode_base64url(self.keys[gateway].sign(payload))),
            (topics.PROPERTY_MESSAGE_ID, message_id),
        )
        return Outgoing(topics.topic(TENANT, _gateway(gateway), CHANNEL), payload, properties)

    def payload(self, readings: Sequence[Placed], *, historical: bool = False) -> bytes:
        """Return the message of some readings of one gateway."""
        items = tuple(msgspec.Raw(wire.encode_item(reading.item)) for reading in readings)
        gateway, sent_at = _gateway(readings[0].gateway), readings[-1].item.clocks.t_hub
        return wire.encode(wire.Message(gateway, 1, sent_at, items, historical=historical))

    def _signed(self, readings: Sequence[Placed], *, historical: bool) -> Outgoing:
        first = readings[0]
        payload = self.payload(readings, historical=historical)
        return self.sign(first.gateway, payload, str(first.item.reading_id))


def settle(dsn: str) -> Crowd:
    """Enter the homes into a database that has our schema, and return them."""
    keys = [Ed25519PrivateKey.generate() for _ in range(GATEWAYS)]
    apply_registry(dsn, parse_registry(TEAM + "".join(_homes(keys)), "bench"))
    query = (
        "SELECT address, patient_id, device_id FROM device JOIN device_binding USING (device_id)"
    )
    with psycopg.connect(dsn) as conn:
        numbers = {row[0]: (row[1], row[2]) for row in conn.execute(query)}
    return Crowd(keys, numbers, datetime.now(UTC).replace(microsecond=0) - BACK)


def _homes(keys: Sequence[Ed25519PrivateKey]) -> Iterator[str]:
    for number, key in enumerate(keys):
        gateway = _gateway(number)
        public = encode_base64url(key.public_key().public_bytes_raw())
        yield GATEWAY.format(gateway=gateway, tenant=TENANT, key=public)
        for cuff in range(CUFFS):
            yield RESIDENT.format(cuff=_cuff(number, cuff), gateway=gateway)


def _gateway(number: int) -> str:
    return f"g{number:04}"


def _cuff(gateway: int, number: int) -> str:
    return f"C4:1D:{gateway:04}:{number}"


def plain(readings: Sequence[Placed], root: str) -> list[Outgoing]:
    """Return a message for each reading that has our columns as its fields, and no signature.

    Its topic is the gateway's name below `root`.
    """
    return [
        Outgoing(f"{root}/{_gateway(r.gateway)}", msgspec.json.encode(row(r))) for r in readings
    ]


def row(reading: Placed) -> dict[str, object]:
    """Return a reading by the names of our columns, as far as a cuff fills them."""
    item = reading.item
    return {
        "patient_id": reading.patient_id,
        "time": item.measured_at,
        "device_id": reading.device_id,
        "kind": "blood_pressure",
        "systolic_mmhg": item.systolic_mmhg,
        "diastolic_mmhg": item.diastolic_mmhg,
        "mean_mmhg": item.mean_mmhg,
        "pulse_bpm": item.pulse_bpm,
        "unit": item.unit,
        "record": item.record,
        "flags": "{}",
        "doubt_s": item.doubt_s,
        "device_time": item.clocks.t_dev,
        "device_offset_s": item.clocks.device_offset_s,
        "hub_time": item.clocks.t_hub,
        "received_at": item.clocks.t_hub,
    }
