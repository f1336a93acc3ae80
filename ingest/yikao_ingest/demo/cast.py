"""Who appears in the demo: residents, doctors and their phones, written as a registry file.

Nobody here exists. The names are those of any neighbourhood.
"""

from collections.abc import Mapping
from typing import Final

from yikao_ingest.demo.plan import TENANT, ZONE, Plan

NEIGHBOURS: Final = (
    ("王建国", 1955, "m"),
    ("李秀英", 1951, "f"),
    ("张伟民", 1960, "m"),
    ("刘桂兰", 1948, "f"),
    ("陈志强", 1963, "m"),
)
NIGHT_CALLER: Final = ("赵奶奶", 1946, "f")
"""Eighty years old; her cuff shows 180 at ten in the evening."""
OWN_DOCTOR: Final = "dr-wang"
DUTY_DOCTOR: Final = "dr-li"

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


def registry_text(
    plan: Plan,
    devices: Mapping[str, list[tuple[str, str]]],
    keys: Mapping[str, str],
    phone_url: str,
) -> str:
    """Return the registry file of the demo.

    devices: address and model of each, by home. keys: a gateway's public key, by home.
    """
    names = {"own": OWN_DOCTOR, "duty": DUTY_DOCTOR, "zone": ZONE, "phone": phone_url}
    parts = [_CLINIC.format(**names)]
    for number, home in enumerate(devices):
        person = NIGHT_CALLER if home == plan.night_home else NEIGHBOURS[number % len(NEIGHBOURS)]
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
