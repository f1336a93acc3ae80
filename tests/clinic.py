"""A small clinic for tests: who is in its registry, and what its gateways send, truly signed.

Two doctors, two residents, two gateways. Zhao's cuff and meter are read by gw-1; the cuff at gw-2
has a slot for each resident. Nobody here exists.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Raw

from yikao_devices import topics, wire
from yikao_ingest.accept import Incoming
from yikao_ingest.directory import ANYBODY, Binding, Device, Directory, Gateway

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TENANT = "north"
CUFF, METER, SHARED_CUFF = "C4:1D:00:00:00:01", "C4:1D:00:00:00:02", "C4:1D:00:00:00:03"
ZHAO, QIAN = 1, 2
"""Numbers of the residents in `directory`; in a database, see `Clinic.patient`."""
NAMESPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True, slots=True)
class Signer:
    """A gateway's key, and what it signs."""

    gateway: str
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_bytes(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def public_text(self) -> str:
        return base64url(self.public_bytes)

    def sign(self, payload: bytes, channel: str, tenant: str = TENANT) -> Incoming:
        """Return `payload` as a message from this gateway."""
        topic = topics.topic(tenant, self.gateway, channel)
        return Incoming(topic, payload, "key", base64url(self.private.sign(payload)), uuid4().hex)

    def send(self, *items: wire.Item | bytes, gateway: str | None = None) -> Incoming:
        """Return a message of items; bytes stand for an item as they are."""
        raw = tuple(Raw(i if isinstance(i, bytes) else wire.encode_item(i)) for i in items)
        message = wire.Message(gateway or self.gateway, 1, NOW, raw)
        return self.sign(wire.encode(message), f"{topics.READING}/blood_pressure")

    def status(self, word: str, boot: int, waiting: int = 0) -> Incoming:
        """Return a heartbeat, or the word that it is gone."""
        status = wire.Status("online" if word == "online" else "offline", boot, None, waiting)
        return self.sign(wire.encode(status), topics.STATUS)

    def birth(self, boot: int, version: str = "0.1.0") -> Incoming:
        """Return what a gateway says at its start."""
        birth = wire.Birth(self.gateway, boot, NOW, version, "sim")
        return self.sign(wire.encode(birth), topics.BIRTH)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def directory(*signers: Signer) -> Directory:
    """Return the registry as accepting sees it: the cuff and meter are the first gateway's."""
    anybody = (Binding(ANYBODY, ZHAO, None, None),)
    slots = (Binding(1, QIAN, None, None), Binding(2, ZHAO, None, None))
    last = signers[-1].gateway
    devices = (
        Device(11, CUFF, signers[0].gateway, anybody),
        Device(12, METER, signers[0].gateway, anybody),
        Device(13, SHARED_CUFF, last, slots),
    )
    return Directory(
        {s.gateway: Gateway(s.gateway, TENANT, s.public_bytes) for s in signers},
        {device.address: device for device in devices},
    )


def pressure(
    systolic: float = 128.0,
    diastolic: float = 82.0,
    *,
    at: datetime = NOW,
    device: str = CUFF,
    reading_id: UUID | None = None,
    **more: object,
) -> wire.BloodPressureReading:
    """Return a cuff's reading; its id follows from what it says."""
    name = f"{device}|{at.isoformat()}|{systolic}|{diastolic}|{more.get('user')}"
    values: dict[str, object] = {
        "reading_id": reading_id or uuid5(NAMESPACE, name),
        "device": device,
        "measured_at": at,
        "doubt_s": 1.0,
        "clocks": wire.Clocks(at),
        "systolic_mmhg": float(systolic),
        "diastolic_mmhg": float(diastolic),
        "unit": "mmHg",
        "pulse_bpm": 70.0,
    }
    return wire.BloodPressureReading(**(values | more))  # type: ignore[arg-type]


def glucose(
    mmol_l: float | None = 6.1, *, at: datetime = NOW, record: int = 1, **more: object
) -> wire.GlucoseReading:
    """Return a meter's reading."""
    values: dict[str, object] = {
        "reading_id": uuid5(NAMESPACE, f"{METER}|{at.isoformat()}|{record}|{mmol_l}|{more}"),
        "device": METER,
        "measured_at": at,
        "doubt_s": 1.0,
        "clocks": wire.Clocks(at),
        "record": record,
        "unit": "mmol/L",
        "glucose_mmol_l": mmol_l,
    }
    return wire.GlucoseReading(**(values | more))  # type: ignore[arg-type]


def symptoms(*codes: str, at: datetime = NOW, device: str = CUFF) -> wire.SymptomReport:
    """Return what a resident reported."""
    reading_id = uuid5(NAMESPACE, f"{device}|{at.isoformat()}|{codes}")
    return wire.SymptomReport(reading_id, device, at, 0.0, wire.Clocks(at), codes)


def event(code: str = "battery_low", *, at: datetime = NOW, device: str = CUFF) -> wire.DeviceEvent:
    """Return something that a device did."""
    reading_id = uuid5(NAMESPACE, f"{device}|{at.isoformat()}|{code}")
    return wire.DeviceEvent(reading_id, device, at, 0.0, wire.Clocks(at), code)


def refused(reason: str = "no such flag", *, device: str = CUFF) -> wire.RefusedFrame:
    """Return a frame that no decoder understood."""
    return wire.RefusedFrame(uuid4(), device, "2a35", "00ff", reason, wire.Clocks(NOW))


def registry_text(
    signers: Iterable[Signer],
    *,
    contacts: Sequence[tuple[str, str]] = (("webhook", "http://127.0.0.1:9/wang"),),
    duty_contacts: Sequence[tuple[str, str]] = (("webhook", "http://127.0.0.1:9/li"),),
    bindings: str = "",
    rota: str = "",
) -> str:
    """Return the clinic's registry file; `bindings` in the place of who has which device.

    rota: the team's, in a centre called "centre"; who appends both says what they are.
    """
    keys = {signer.gateway: signer.public_text for signer in signers}
    gateways = "".join(
        f'[[gateways]]\nid = "{name}"\ntenant = "{TENANT}"\npublic_key = "{key}"\n'
        for name, key in keys.items()
    )
    first, *_, last = keys
    return (
        PEOPLE.format(
            own=_contacts(contacts),
            duty=_contacts(duty_contacts),
            rota=f'centre = "centre"\nrota = "{rota}"\n' if rota else "",
        )
        + gateways
        + _devices({CUFF: first, METER: first, SHARED_CUFF: last})
        + (bindings or BINDINGS)
    )


def _contacts(contacts: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f'{{ channel = "{c}", address = "{address}" }}' for c, address in contacts)


def _devices(devices: dict[str, str]) -> str:
    return "".join(
        f'[[devices]]\naddress = "{address}"\ngateway = "{gateway}"\n'
        for address, gateway in devices.items()
    )


PEOPLE = """\
[[teams]]
id = "team"
name = "城北团队"
zone = "Asia/Shanghai"
duty_doctor = "li"
{rota}[[doctors]]
id = "wang"
name = "王医生"
team = "team"
contacts = [{own}]
[[doctors]]
id = "li"
name = "李医生"
team = "team"
language = "en"
contacts = [{duty}]
[[residents]]
id = "zhao"
name = "赵奶奶"
birth_year = 1946
sex = "f"
team = "team"
doctor = "wang"
[[residents]]
id = "qian"
name = "钱爷爷"
team = "team"
doctor = "wang"
"""
BINDINGS = f"""\
[[bindings]]
device = "{CUFF}"
resident = "zhao"
[[bindings]]
device = "{METER}"
resident = "zhao"
[[bindings]]
device = "{SHARED_CUFF}"
resident = "qian"
user = 1
[[bindings]]
device = "{SHARED_CUFF}"
resident = "zhao"
user = 2
"""
