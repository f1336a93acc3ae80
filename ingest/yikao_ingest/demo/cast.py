"""Who appears in the demo: residents, and a small centre with its doctors, rotas and phones,
written as a registry file.

Nobody here exists. The names are those of any neighbourhood.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

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
"""On call for the whole centre in the week in which the story begins."""
OTHER_DOCTOR: Final = "dr-chen"
"""The week after."""
DESK: Final = "duty-desk"
DOCTORS: Final = {
    OWN_DOCTOR: "王医生",
    DUTY_DOCTOR: "李医生",
    OTHER_DOCTOR: "陈医生",
    DESK: "门诊值班台",
}
"""Names by id; the desk is a "doctor" too, as in any registry."""

ANSWERS_AFTER_S: Final = 60
"""Story seconds until a doctor on call answers."""

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


_CENTRE = """\
# 演示登记表 · registry of the demo. Copy it to begin your own; docs/registry.example.toml explains.
[[centres]]
id = "chengbei"
name = "城北社区卫生服务中心"
zone = "{zone}"
duty_desk = "{desk}"
duty_rota = "duty"

[[rotas]]
id = "duty"
name = "中心总值班"
centre = "chengbei"
layers = [{{ members = ["{duty}", "{other}", "{own}"], start = {monday}, shift_days = 7 }}]

[[rotas]]
id = "team-1-rota"
name = "第一团队"
centre = "chengbei"
[[rotas.layers]]
members = ["{own}", "{duty}"]
start = {monday}
days = ["workday"]
from = "08:00"
until = "18:00"
[[rotas.layers]]
rota = "duty"

[[teams]]
id = "team-1"
name = "第一家庭医生团队"
zone = "{zone}"
duty_doctor = "{duty}"
centre = "chengbei"
rota = "team-1-rota"
"""
_DOCTOR = """
[[doctors]]
id = "{doctor}"
name = "{name}"
team = "team-1"
language = "zh"
contacts = [{{ channel = "webhook", address = "{phone}/{doctor}" }}]
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
    """Return the registry file of the demo: a centre with one team, and a resident in each home."""
    parts = [
        _CENTRE.format(
            zone=ZONE,
            own=OWN_DOCTOR,
            duty=DUTY_DOCTOR,
            other=OTHER_DOCTOR,
            desk=DESK,
            monday=_monday(plan),
        )
    ]
    for doctor, name in DOCTORS.items():
        parts.append(_DOCTOR.format(doctor=doctor, name=name, phone=phone_url))
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


def _monday(plan: Plan) -> date:
    """Return the Monday of the week in which the story begins."""
    begins = datetime.fromtimestamp(plan.clock.story_s, ZoneInfo(ZONE)).date()
    return begins - timedelta(days=begins.weekday())


DEMO: Final = Cast(
    registry_text,
    {
        OWN_DOCTOR: "silent",
        DUTY_DOCTOR: f"answers:{ANSWERS_AFTER_S}",
        OTHER_DOCTOR: f"answers:{ANSWERS_AFTER_S}",
        DESK: "silent",
    },
)
"""The own doctor sleeps through it; the duty doctor answers. The desk hears its telephone, and
leaves it to whoever watches the demo to answer at the feed."""
