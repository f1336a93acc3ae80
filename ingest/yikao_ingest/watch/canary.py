"""Somebody who does not exist, whose readings prove that the path works: in the registry, and as a
message like that of any gateway, truly signed.

A severe low glucose is paged at once, without waiting for a repetition, so each minute's reading
comes out as a page of its own once the one before is closed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from msgspec import Raw

from yikao_devices import topics, wire
from yikao_ingest.signature import encode_base64url, public_key, sign

CODE: Final = "yikao-canary"
"""Of the resident, the gateway, the team and the machine that takes the pages."""
METER: Final = "YIKAO-CANARY-METER"
GLUCOSE_MMOL_L: Final = 2.5
"""Below 3.0, which rule GL-02 pages at once; above what any meter would call implausible."""
DOUBT_S: Final = 1.0
_NAMESPACE: Final = UUID("5b0c6e0e-54b1-5c0a-9a3e-6361c3a17279")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A message as it is published: topic, payload, and the properties beside it."""

    topic: str
    payload: bytes
    properties: tuple[tuple[str, str], ...]


def beat(private: bytes, at: datetime, number: int) -> Sealed:
    """Return the reading of one beat; private: the canary gateway's Ed25519 key, 32 bytes."""
    name = f"{at.isoformat()}|{number}"
    reading = wire.GlucoseReading(
        reading_id=uuid5(_NAMESPACE, name),
        device=METER,
        measured_at=at,
        doubt_s=DOUBT_S,
        clocks=wire.Clocks(at),
        record=number,
        unit="mmol/L",
        glucose_mmol_l=GLUCOSE_MMOL_L,
    )
    message = wire.Message(CODE, 1, at, (Raw(wire.encode_item(reading)),))
    payload = wire.encode(message)
    properties = (
        (topics.PROPERTY_KEY_ID, CODE),
        (topics.PROPERTY_SIGNATURE, encode_base64url(sign(private, payload))),
        (topics.PROPERTY_MESSAGE_ID, uuid5(_NAMESPACE, f"message|{name}").hex),
    )
    return Sealed(topics.topic(CODE, CODE, f"{topics.READING}/glucose"), payload, properties)


def registry_entries(private: bytes, sink_url: str, zone: str) -> str:
    """Return what the registry file needs for the canary to be known.

    Its team is its own, and nobody in it is a person: no page of it goes anywhere else.
    """
    return f"""\
# The watchdog's resident, who does not exist: never shown among residents, never counted.
[[teams]]
id = "{CODE}"
name = "自检 watchdog"
zone = "{zone}"
duty_doctor = "{CODE}"

[[doctors]]
id = "{CODE}"
name = "自检 watchdog"
team = "{CODE}"
contacts = [{{ channel = "sink", address = "{sink_url}" }}]

[[residents]]
id = "{CODE}"
name = "自检 watchdog"
team = "{CODE}"
doctor = "{CODE}"
synthetic = true

[[gateways]]
id = "{CODE}"
tenant = "{CODE}"
public_key = "{encode_base64url(public_key(private))}"

[[devices]]
address = "{METER}"
gateway = "{CODE}"

[[bindings]]
device = "{METER}"
resident = "{CODE}"
"""
