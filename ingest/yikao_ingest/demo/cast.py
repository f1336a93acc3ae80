"""Who appears in the demo: residents, doctors and their phones, written as a registry file.

Nobody here exists. The names are those of any neighbourhood.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from yikao_ingest.demo.plan import NIGHT_HOME, TENANT, ZONE, Plan

NEIGHBOURS: Final = (
    ("王建国", 1955, "m"),
    ("李秀英", 1951, "f"),
    ("张伟民", 1960, "m"),
    ("刘桂兰", 1948, "f"),
    ("陈志强", 1963, "m"),
)
NIGHT_CALLER: Final = ("李大爷", 1946, "m")
"""Eighty years old; his cuff shows 180 at ten in the evening."""
OWN_DOCTOR: Final = "dr-wang"
DUTY_DOCTOR: Final = "dr-li"

ANSWERS_AFTER_S: Final = 60
"""Story seconds until the duty doctor answers."""

Devices = Mapping[str, list[tuple[str, str]]]
"""Address and model of each device, by home."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who appears. `registry` writes their file from the devices, the gateways' public keys by
    home and the phone's address; `habits` is what each doctor does when it rings."""

    registry: Callable[[Plan, Devices, Mapping[str, str], str], str]
    habits: Mapping[str, str]
    neighbours: bool = True
    """Whether the homes behind the first take real readings."""


_CLINIC = """\
# 演示登记表 · registry of the demo. Copy it to begin your own; docs/registry.example.toml explains.
[[teams]]
id = "team-1"
name = "第一家庭医生团队"
zone = "{zone}"
duty_doctor = "{duty}"

[[doctors]]
id = "{own}"
name = "王医生"
team = "team-1"
language = "zh"
contacts = [{{ channel = "webhook", address = "{phone}/{own}" }}]

[[doctors]]
id = "{duty}"
name = "李医生"
team = "team-1"
language = "zh"
contacts = [{{ channel = "webhook", address = "{phone}/{duty}" }}]
"""
_HOME = """
[[residents]]
id = "{home}"
name = "{name}"
birth_year = {birth_year}
sex = "{sex}"
team = "team-1"
doctor = "{own}"

[[gateways]]
id = "{gateway}"
tenant = "{tenant}"
public_key = "{key}"
"""
_DEVICE = """
[[devices]]
address = "{address}"
model = "{model}"
gateway = "{gateway}"

[[bindings]]
device = "{address}"
resident = "{home}"
"""


def registry_text(plan: Plan, devices: Devices, keys: Mapping[str, str], phone_url: str) -> str:
    """Return the registry file of the demo: one team, and a resident in each home."""
    names = {"own": OWN_DOCTOR, "duty": DUTY_DOCTOR, "zone": ZONE, "phone": phone_url}
    parts = [_CLINIC.format(**names)]
    for number, home in enumerate(devices):
        person = NIGHT_CALLER if home == NIGHT_HOME else NEIGHBOURS[number % len(NEIGHBOURS)]
        parts.append(
            _HOME.format(
                home=home,
                name=person[0] if number < len(NEIGHBOURS) + 1 else f"{person[0]}{number}",
                birth_year=person[1],
                sex=person[2],
                own=OWN_DOCTOR,
                gateway=plan.gateway(home),
                tenant=TENANT,
                key=keys[home],
            )
        )
        for address, model in devices[home]:
            parts.append(
                _DEVICE.format(address=address, model=model, gateway=plan.gateway(home), home=home)
            )
    return "".join(parts)


DEMO: Final = Cast(registry_text, {OWN_DOCTOR: "silent", DUTY_DOCTOR: f"answers:{ANSWERS_AFTER_S}"})
"""The own doctor sleeps through it; the duty doctor answers."""
