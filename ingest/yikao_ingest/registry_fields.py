"""What stands in each table of the registry file, and how each value is checked."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yikao_alerts.channels.addresses import CHANNELS, address_fits, how_to_write
from yikao_alerts.compose import PRIVACY
from yikao_alerts.family import NOTICES
from yikao_alerts.resident import GROUPS, OPTIONS, TARGETS
from yikao_ingest.registry_rota import (
    HOLIDAY_KINDS,
    check_day,
    check_layers,
    check_specialists,
)
from yikao_ingest.signature import PUBLIC_KEY_BYTES, decode_base64url

LANGUAGES: Final = ("zh", "en")
ADDRESS_MAX: Final = 64
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TOPIC_NAME: Final = re.compile(r"(?! )[^/+#\x00-\x1f\x7f]{1,64}(?<! )")
"""As on the wire (`wire.Name`): names of gateways and tenants are levels of a topic."""
_SMALL_ADDRESS: Final = re.compile(r"(?=.*[a-f])([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Check = Callable[[Any], str | None]
"""Returns the fix when a value is wrong, None when it is right."""


def _text(value: Any) -> str | None:
    good = isinstance(value, str) and value.strip() and not _CONTROL.search(value)
    return None if good else 'Write a text on one line, "..."'


def _topic_name(value: Any) -> str | None:
    good = isinstance(value, str) and _TOPIC_NAME.fullmatch(value)
    return None if good else "Write 1 to 64 characters without / + # and blanks around: a topic's"


def _device_address(value: Any) -> str | None:
    good = isinstance(value, str) and 0 < len(value) <= ADDRESS_MAX and not _CONTROL.search(value)
    if good and not _SMALL_ADDRESS.fullmatch(value):
        return None
    return "Write it as `yikao-gateway scan` shows it, AA:BB:CC:DD:EE:FF"


def _number(low: int, high: int) -> Check:
    def check(value: Any) -> str | None:
        fine = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fine else f"Write a whole number from {low} to {high}"

    return check


def _one_of(words: tuple[str, ...]) -> Check:
    return lambda value: None if value in words else f"Write one of {', '.join(words)}"


def _several_of(words: Iterable[str]) -> Check:
    known = sorted(words)

    def check(value: Any) -> str | None:
        good = isinstance(value, list) and all(word in known for word in value)
        fix = f'Write a list, ["..."], of {", ".join(known)}, each once'
        return None if good and len(set(value)) == len(value) else fix

    return check


def _yes_or_no(value: Any) -> str | None:
    return None if isinstance(value, bool) else "Write true or false"


def _quantity(low: float, high: float) -> Check:
    def check(value: Any) -> str | None:
        a_number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if a_number and low <= value <= high else f"Write {low:g} to {high:g}"

    return check


def _zone(value: Any) -> str | None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        # OSError: the name of a folder, "America", where the zones come from the package tzdata.
        return 'Write an IANA zone, "Asia/Shanghai"'
    return None


def _key(value: Any) -> str | None:
    good = isinstance(value, str) and decode_base64url(value, PUBLIC_KEY_BYTES)
    return None if good else "Write what `yikao-gateway key --config FILE` prints at the gateway"


def _digest(value: Any) -> str | None:
    good = isinstance(value, str) and _DIGEST.fullmatch(value)
    return None if good else "Write what `yikao cards new` prints, 64 hexadecimal digits"


def _moment(value: Any) -> str | None:
    good = isinstance(value, datetime) and value.tzinfo is not None
    return None if good else "Write a time with its offset, 2026-01-01T00:00:00+08:00"


def _contacts(value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return 'Write at least one: contacts = [{ channel = "webhook", address = "https://..." }]'
    for contact in value:
        if not isinstance(contact, dict) or contact.get("channel") not in CHANNELS:
            return f"Each contact has a channel, one of {', '.join(CHANNELS)}, and an address"
        if set(contact) - {"channel", "address"}:
            return "A contact has a channel and an address, nothing else"
        if not address_fits(contact["channel"], contact.get("address")):
            return (
                f"Write the address of {contact['channel']} as {how_to_write(contact['channel'])}"
            )
    return None


def _contact(value: Any) -> str | None:
    fix = _contacts([value])
    return None if fix is None else f'{fix}: contact = {{ channel = "sms", address = "+86..." }}'


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table: its check, whether it must be there, the table it refers to."""

    check: Check
    needed: bool = True
    refers: str | None = None


UNIT_BOUNDS: Final = {
    "mmhg": (50, 200),
    "mmol_l": (3, 20),
    "pct": (70, 96),
    "bpm": (25, 60),
    "kg": (20, 300),
}
"""What may be somebody's own target, by the unit that ends its name; the rest is a slip of the
pen."""


def _target(name: str) -> Field:
    bounds = next(bounds for unit, bounds in UNIT_BOUNDS.items() if name.endswith(f"_{unit}"))
    return Field(_quantity(*bounds), needed=False)


PROFILE: Final[Mapping[str, Field]] = {
    "groups": Field(_several_of(GROUPS), needed=False),
    "options": Field(_several_of(OPTIONS), needed=False),
    **{name: _target(name) for name in TARGETS},
}
"""What rules ask of a resident; stored as a dated word, signed "registry"."""
HOME: Final = ("address", "phone", "emergency_contact")
"""Where an ambulance has to go, and whom to ring: for whoever answers an episode, behind the login;
never in a page, never in a log."""
FIELDS: Final[Mapping[str, Mapping[str, Field]]] = {
    "centres": {
        "id": Field(_text),
        "name": Field(_text),
        "zone": Field(_zone),
        "duty_desk": Field(_text, refers="doctors"),
        "duty_rota": Field(_text, needed=False, refers="rotas"),
        "specialists": Field(check_specialists, needed=False),
        "page_privacy": Field(_one_of(PRIVACY), needed=False),
    },
    "rotas": {
        "id": Field(_text),
        "name": Field(_text),
        "centre": Field(_text, refers="centres"),
        "layers": Field(check_layers),
    },
    "holidays": {
        "day": Field(check_day),
        "kind": Field(_one_of(HOLIDAY_KINDS)),
        "name": Field(_text),
    },
    "teams": {
        "id": Field(_text),
        "name": Field(_text),
        "zone": Field(_zone),
        "duty_doctor": Field(_text, refers="doctors"),
        "centre": Field(_text, needed=False, refers="centres"),
        "rota": Field(_text, needed=False, refers="rotas"),
    },
    "doctors": {
        "id": Field(_text),
        "name": Field(_text),
        "team": Field(_text, refers="teams"),
        "language": Field(_one_of(LANGUAGES), needed=False),
        "contacts": Field(_contacts),
    },
    "residents": {
        "id": Field(_text),
        "name": Field(_text),
        "birth_year": Field(_number(1880, 2100), needed=False),
        "sex": Field(_one_of(("f", "m")), needed=False),
        "team": Field(_text, refers="teams"),
        "doctor": Field(_text, refers="doctors"),
        "synthetic": Field(_yes_or_no, needed=False),
        **dict.fromkeys(HOME, Field(_text, needed=False)),
        **PROFILE,
    },
    "caregivers": {
        "resident": Field(_text, refers="residents"),
        "name": Field(_text),
        "contact": Field(_contact),
        "language": Field(_one_of(LANGUAGES), needed=False),
        "consent_at": Field(_moment),
        "notices": Field(_several_of(NOTICES)),
    },
    "gateways": {
        "id": Field(_topic_name),
        "tenant": Field(_topic_name),
        # Without: it comes from the gateway itself, with a code (`yikao gateway invite`).
        "public_key": Field(_key, needed=False),
    },
    "devices": {
        "address": Field(_device_address),
        "model": Field(_text, needed=False),
        "gateway": Field(_topic_name, refers="gateways"),
        "station": Field(_yes_or_no, needed=False),
    },
    "bindings": {
        "device": Field(_text, refers="devices"),
        "resident": Field(_text, refers="residents"),
        "user": Field(_number(0, 254), needed=False),
        "from": Field(_moment, needed=False),
        "until": Field(_moment, needed=False),
    },
    "cards": {
        "digest": Field(_digest),
        "resident": Field(_text, refers="residents"),
        "from": Field(_moment, needed=False),
        "until": Field(_moment, needed=False),
    },
}
KEYS: Final = {"devices": "address", "holidays": "day", "cards": "digest"}
"""The field by which others refer to an entry, where it is not `id`."""
