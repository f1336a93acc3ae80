"""The gateway's settings: a TOML file, each line of which the environment can override.

All faults are told at once, each with its line and what to write instead. Secrets stand in files
of their own, which the settings name.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from yikao_devices.models import CATALOGUE, Model, model_named
from yikao_devices.toml_lines import Fault, FaultyFileError, Lines, parse_toml
from yikao_gateway import settings_values
from yikao_gateway.enrolment.enrolled import ENROLLED, is_ours, values_of
from yikao_gateway.errors import EnrolmentError
from yikao_gateway.settings_values import DEFAULT_STATE, BrokerAddress, PageAddress

PREFIX: Final = "YIKAO_GATEWAY_"
DEVICES_MAX: Final = 200

_ADDRESS: Final = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")
_PASSKEY: Final = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device that may be read; without `model` it is recognised by what it advertises."""

    address: str
    model: Model | None = None
    passkey: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a gateway is told. With `devices` only those are read, a neighbour's never."""

    id: str
    tenant: str
    broker: BrokerAddress
    zone: ZoneInfo
    language: Literal["zh", "en"]
    radio: str
    state_dir: Path
    reread_s: float
    eager_s: float
    heartbeat_s: float
    pairing: Literal["listed", "mode"]
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    page: PageAddress | None = None
    page_anywhere: bool = False
    speak: bool = False
    station: bool = False
    devices: tuple[ListedDevice, ...] = ()
    backlog_rows: int = settings_values.BACKLOG_ROWS
    given: frozenset[str] = frozenset()
    """The keys that the file or the environment names: these the server cannot change."""
    renews: bool = False
    """The certificate came by a code: the gateway renews it by itself."""


@dataclass(frozen=True, slots=True)
class _Key:
    """How a value is checked; `default` None and `needed` False: it may be absent."""

    check: Callable[[Any], Any]
    needed: bool = False
    default: Any = None


KEYS: Final[Mapping[str, _Key]] = {
    "id": _Key(settings_values.name, needed=True),
    "tenant": _Key(settings_values.name, needed=True),
    "broker_url": _Key(settings_values.broker, needed=True),
    "ca_file": _Key(settings_values.file),
    "cert_file": _Key(settings_values.file),
    "key_file": _Key(settings_values.file),
    "username": _Key(settings_values.text),
    "password_file": _Key(settings_values.file),
    "radio": _Key(settings_values.radio, default="bluez"),
    "state_dir": _Key(settings_values.folder, default=DEFAULT_STATE),
    "timezone": _Key(settings_values.zone, needed=True),
    "language": _Key(settings_values.language, default="zh"),
    "reread_s": _Key(settings_values.seconds, default=60.0),
    "eager_s": _Key(settings_values.seconds, default=1.0),
    "heartbeat_s": _Key(settings_values.seconds, default=60.0),
    "pairing": _Key(settings_values.pairing, default="listed"),
    "page": _Key(settings_values.page),
    "page_anywhere": _Key(settings_values.yes_or_no, default=False),
    "speak": _Key(settings_values.yes_or_no, default=False),
    "station": _Key(settings_values.yes_or_no, default=False),
    "backlog_rows": _Key(settings_values.rows, default=settings_values.BACKLOG_ROWS),
}
DEVICE_KEYS: Final = ("address", "model", "passkey")
SECRETS: Final = {
    "password": "Write it into a file and name that: password_file",
    "private_key": "Leave it out: the gateway makes its key itself",
}


def read_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings in `path`. Raises `FaultyFileError` with every fault."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FaultyFileError(
            str(path), [Fault(0, f"cannot be read: {error}", "Name a readable TOML file")]
        ) from error
    values, lines = parse_toml(text, str(path))
    reader = _Reader(lines)
    settings = reader.settings(values, environment)
    if settings is None:
        raise FaultyFileError(str(path), reader.faults)
    return settings


class _Reader:
    """Turns values into settings and collects what is wrong with them."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._enrolled: Mapping[str, str] = {}
        self.faults: list[Fault] = []

    def settings(self, values: dict[str, Any], environment: Mapping[str, str]) -> Settings | None:
        devices = self._devices(values.pop("devices", []))
        for key in values.keys() - KEYS.keys():
            self._unknown(self._lines.of("", 0, key) or self._lines.of(key), key, KEYS)
        given = frozenset(k for k in KEYS if k in values or PREFIX + k.upper() in environment)
        state_dir = self._value("state_dir", values, environment)
        self._enrolled = self._enrolment(state_dir, given)
        others = {key: self._value(key, values, environment) for key in KEYS if key != "state_dir"}
        checked = {"state_dir": state_dir, **others}
        for name in environment:
            key = name.removeprefix(PREFIX).lower()
            if name.startswith(PREFIX) and key not in KEYS:
                self._unknown(0, name, [PREFIX + each.upper() for each in KEYS])
        self._check_together(checked)
        if self.faults:
            return None
        broker, zone = checked.pop("broker_url"), checked.pop("timezone")
        ours = is_ours(state_dir, checked["cert_file"])
        return Settings(
            broker=broker, zone=zone, devices=devices, given=given, renews=ours, **checked
        )

    def _enrolment(self, state_dir: Path | None, given: frozenset[str]) -> Mapping[str, str]:
        """Return what need not be said because the gateway was enrolled with a code."""
        try:
            return values_of(state_dir, given) if state_dir is not None else {}
        except EnrolmentError as error:
            self._fault(0, str(error), "Or write id, tenant and broker_url")
            return {}

    def _value(self, key: str, values: dict[str, Any], environment: Mapping[str, str]) -> Any:
        """Return the checked value of a key: the environment's, else the file's, else that of the
        enrolment, else the default."""
        rule, name = KEYS[key], PREFIX + key.upper()
        if name in environment:
            line, shown, value = 0, name, environment[name]
        elif key in values:
            line, shown, value = self._lines.of("", 0, key), key, values[key]
        elif key in self._enrolled:
            line, shown, value = 0, f"{key} of the enrolment", self._enrolled[key]
        elif rule.needed:
            fix = f"Write {key} = ... , or set {name}"
            if key in ENROLLED:
                fix += ", or `yikao-gateway enrol` with a code"
            self._fault(0, f"{key} is missing", fix)
            return None
        else:
            return None if rule.default is None else rule.check(rule.default)
        try:
            return rule.check(value)
        except ValueError as error:
            # A broker's address may hold a password that does not belong there.
            told = shown if key == "broker_url" else f"{shown} = {value!r}"
            self._fault(line, f"{told} cannot be used", str(error))
            return None

    def _check_together(self, checked: dict[str, Any]) -> None:
        """What is right alone may be wrong in company."""
        if checked["id"] and checked["id"] != self._enrolled.get("id", checked["id"]):
            what = f"id is {checked['id']}, and the gateway was enrolled as {self._enrolled['id']}"
            fix = "Leave id out, or enrol it as that one"
            self._fault(self._lines.of("", 0, "id"), what, fix)
        tls_files = [key for key in ("ca_file", "cert_file", "key_file") if checked[key]]
        broker = checked["broker_url"]
        if tls_files and broker is not None and not broker.tls:
            what = f"{', '.join(tls_files)} without TLS"
            self._fault(self._lines.of("", 0, "broker_url"), what, "Write mqtts:// as broker_url")
        if bool(checked["cert_file"]) != bool(checked["key_file"]):
            line = max(self._lines.of("", 0, key) for key in ("cert_file", "key_file"))
            what = "a certificate and its key belong together"
            self._fault(line, what, "Write both cert_file and key_file, or neither")
        if checked["password_file"] and not checked["username"]:
            line = self._lines.of("", 0, "password_file")
            self._fault(line, "a password without a name", "Write username as well")
        page = checked["page"]
        if page is not None and not page.host.is_loopback and not checked["page_anywhere"]:
            what = f"{page.host} lets everybody in the home's network press the page's buttons"
            fix = 'Write page = "127.0.0.1:8089", or page_anywhere = true where that is wanted'
            self._fault(self._lines.of("", 0, "page"), what, fix)
        if checked["station"]:
            self._check_station(checked)

    def _check_station(self, checked: dict[str, Any]) -> None:
        """A station's cards are read on its page, and others stand round it."""
        if checked["page"] is None:
            what = "a station without its page has nowhere to read cards"
            fix = 'Write page = "127.0.0.1:8089" as well'
            self._fault(self._lines.of("", 0, "station"), what, fix)
        if checked["speak"]:
            what = "a station does not speak: others would hear it"
            self._fault(self._lines.of("", 0, "speak"), what, "Leave speak out")

    def _devices(self, tables: Any) -> tuple[ListedDevice, ...]:
        if not isinstance(tables, list) or len(tables) > DEVICES_MAX:
            line = self._lines.of("", 0, "devices") or self._lines.of("devices")
            fix = f"Write up to {DEVICES_MAX} tables, each headed [[devices]]"
            self._fault(line, "devices cannot be read", fix)
            return ()
        found: dict[str, ListedDevice] = {}
        for index, table in enumerate(tables):
            device = self._device(index, table if isinstance(table, dict) else {})
            if device is not None and device.address in found:
                line = self._lines.of("devices", index, "address")
                self._fault(line, f"{device.address} is listed twice", "Remove one of the two")
            elif device is not None:
                found[device.address] = device
        return tuple(found.values())

    def _device(self, index: int, table: dict[str, Any]) -> ListedDevice | None:
        def line(key: str) -> int:
            return self._lines.of("devices", index, key)

        for key in table.keys() - set(DEVICE_KEYS):
            self._unknown(line(key), key, DEVICE_KEYS)
        address = str(table.get("address", "")).upper()
        if not _ADDRESS.fullmatch(address):
            fix = 'Write address = "C4:1D:00:00:00:2A", as `yikao-gateway scan` shows it'
            self._fault(line("address"), f"{address!r} is no device address", fix)
            return None
        name, passkey = table.get("model"), table.get("passkey")
        model = model_named(str(name)) if name is not None else None
        if name is not None and model is None:
            known = ", ".join(each.name for each in CATALOGUE)
            self._fault(line("model"), f"no model is called {name!r}", f"Write one of {known}")
        if passkey is not None and not _PASSKEY.fullmatch(str(passkey)):
            fix = 'Write the digits the device shows: passkey = "012345"'
            self._fault(line("passkey"), "a passkey has up to six digits", fix)
            passkey = None
        return ListedDevice(address, model, None if passkey is None else int(passkey))

    def _unknown(self, line: int, key: str, known: Any) -> None:
        fix = SECRETS.get(key.removeprefix(PREFIX).lower())
        self._fault(line, f"{key} is unknown", fix or f"Known are {', '.join(known)}")

    def _fault(self, line: int, what: str, fix: str) -> None:
        self.faults.append(Fault(line, what, fix))
