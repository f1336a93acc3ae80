"""The registry file: teams, doctors, residents, gateways, devices and whose each device is.

Read as a whole and checked as a whole: every fault is told with its line and the fix, and a file
with a fault changes nothing. Example: docs/registry.example.toml.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yikao_devices.toml_lines import Fault, FaultyFileError, Lines, parse_toml
from yikao_ingest.directory import ANYBODY
from yikao_ingest.signature import PUBLIC_KEY_BYTES, decode_base64url

CHANNELS: Final = ("console", "webhook", "smtp")
LANGUAGES: Final = ("zh", "en")
TABLES: Final = ("teams", "doctors", "residents", "gateways", "devices", "bindings")


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a table, as checked, and where it stands."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry without a fault, by table."""

    tables: Mapping[str, tuple[Row, ...]]

    def rows(self, table: str) -> tuple[Row, ...]:
        """Return the entries of one table."""
        return self.tables[table]


Check = Callable[[Any], str | None]
"""Returns the fix when a value is wrong, None when it is right."""


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else 'Write a text, "..."'


def _number(low: int, high: int) -> Check:
    def check(value: Any) -> str | None:
        fine = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fine else f"Write a whole number from {low} to {high}"

    return check


def _one_of(words: tuple[str, ...]) -> Check:
    return lambda value: None if value in words else f"Write one of {', '.join(words)}"


def _zone(value: Any) -> str | None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        return 'Write an IANA zone, "Asia/Shanghai"'
    return None


def _key(value: Any) -> str | None:
    good = isinstance(value, str) and decode_base64url(value, PUBLIC_KEY_BYTES)
    return None if good else "Write what `yikao-gateway key --config FILE` prints at the gateway"


def _moment(value: Any) -> str | None:
    good = isinstance(value, datetime) and value.tzinfo is not None
    return None if good else "Write a time with its offset, 2026-01-01T00:00:00+08:00"


def _contacts(value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return 'Write at least one: contacts = [{ channel = "webhook", address = "https://..." }]'
    for contact in value:
        if not isinstance(contact, dict) or contact.get("channel") not in CHANNELS:
            return f"Each contact has a channel, one of {', '.join(CHANNELS)}"
        if not _address_fits(contact["channel"], contact.get("address")):
            return "A webhook's address is http(s)://..., one of smtp is name@host"
    return None


def _address_fits(channel: str, address: Any) -> bool:
    if not isinstance(address, str) or not address:
        return False
    if channel == "webhook":
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    return channel != "smtp" or "@" in address


@dataclass(frozen=True, slots=True)
class _Field:
    check: Check
    needed: bool = True
    refers: str | None = None


_FIELDS: Final[Mapping[str, Mapping[str, _Field]]] = {
    "teams": {
        "id": _Field(_text),
        "name": _Field(_text),
        "zone": _Field(_zone),
        "duty_doctor": _Field(_text, refers="doctors"),
    },
    "doctors": {
        "id": _Field(_text),
        "name": _Field(_text),
        "team": _Field(_text, refers="teams"),
        "language": _Field(_one_of(LANGUAGES), needed=False),
        "contacts": _Field(_contacts),
    },
    "residents": {
        "id": _Field(_text),
        "name": _Field(_text),
        "birth_year": _Field(_number(1880, 2100), needed=False),
        "sex": _Field(_one_of(("f", "m")), needed=False),
        "team": _Field(_text, refers="teams"),
        "doctor": _Field(_text, refers="doctors"),
    },
    "gateways": {
        "id": _Field(_text),
        "tenant": _Field(_text),
        "public_key": _Field(_key),
    },
    "devices": {
        "address": _Field(_text),
        "model": _Field(_text, needed=False),
        "gateway": _Field(_text, refers="gateways"),
    },
    "bindings": {
        "device": _Field(_text, refers="devices"),
        "resident": _Field(_text, refers="residents"),
        "user": _Field(_number(0, 254), needed=False),
        "from": _Field(_moment, needed=False),
        "until": _Field(_moment, needed=False),
    },
}
_KEYS: Final = {"devices": "address"}
"""The field by which others refer to an entry, where it is not `id`."""


def parse_registry(text: str, path: str) -> Registry:
    """Return the registry in `text`; refuses it with `FaultyFileError`, all faults at once."""
    values, lines = parse_toml(text, path)
    reader = _Reader(values, lines)
    tables = {name: reader.table(name) for name in TABLES}
    reader.check_references()
    reader.check_overlaps(tables["bindings"])
    if reader.faults:
        raise FaultyFileError(path, reader.faults)
    return Registry(tables)


class _Reader:
    """Checks tables and collects what is wrong with them."""

    def __init__(self, values: Mapping[str, Any], lines: Lines) -> None:
        self._values = values
        self._lines = lines
        self.faults: list[Fault] = []
        for name in values:
            if name not in TABLES:
                fix = f"The tables are {', '.join(f'[[{table}]]' for table in TABLES)}"
                self.faults.append(Fault(lines.of(name), f"unknown table {name}", fix))

    def table(self, name: str) -> tuple[Row, ...]:
        """Return the entries of a table, each checked; note each id that is there twice."""
        entries = self._entries(name)
        key = _KEYS.get(name, "id")
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            self._check_entry(name, index, entry)
            if key in _FIELDS[name] and entry.get(key) in seen:
                self._fault(name, index, key, f"{key} {entry[key]!r} is there twice", "Remove one")
            seen.add(str(entry.get(key)))
        return tuple(Row(self._lines.of(name, i), entry) for i, entry in enumerate(entries))

    def _entries(self, name: str) -> list[Mapping[str, Any]]:
        entries = self._values.get(name, [])
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
            return entries
        self._fault(name, 0, "", f"{name} is no list of tables", f"Write [[{name}]] before each")
        return []

    def _check_entry(self, name: str, index: int, entry: Mapping[str, Any]) -> None:
        fields = _FIELDS[name]
        for key, field in fields.items():
            if key not in entry:
                if field.needed:
                    self._fault(name, index, key, f"{key} is missing", f"Write {key} = ...")
            elif fix := field.check(entry[key]):
                self._fault(name, index, key, f"{key} is {entry[key]!r}", fix)
        for key in entry:
            if key not in fields:
                fix = f"The keys are {', '.join(fields)}"
                self._fault(name, index, key, f"unknown key {key}", fix)

    def check_references(self) -> None:
        """Note each name that no entry of the table it refers to has."""
        known = {
            name: {str(entry.get(_KEYS.get(name, "id"))) for entry in self._entries(name)}
            for name in TABLES
        }
        for name, fields in _FIELDS.items():
            for index, entry in enumerate(self._entries(name)):
                for key, field in fields.items():
                    if field.refers and key in entry and entry[key] not in known[field.refers]:
                        what = f"{key} {entry[key]!r} is not among the {field.refers}"
                        self._fault(name, index, key, what, f"Add it to [[{field.refers}]]")

    def check_overlaps(self, bindings: tuple[Row, ...]) -> None:
        """Note each pair of bindings that gives one device slot to two at the same time."""
        for number, one in enumerate(bindings):
            for earlier in bindings[:number]:
                if _same_slot(one.values, earlier.values) and _overlap(one.values, earlier.values):
                    what = f"overlaps the binding of line {earlier.line}"
                    self.faults.append(Fault(one.line, what, "End one with until = ..."))

    def _fault(self, table: str, index: int, key: str, what: str, fix: str) -> None:
        self.faults.append(Fault(self._lines.of(table, index, key), f"[[{table}]] {what}", fix))


def _same_slot(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    slots = (one.get("user", ANYBODY), other.get("user", ANYBODY))
    return one.get("device") == other.get("device") and slots[0] == slots[1]


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _before(one.get("from"), other.get("until")) and _before(
        other.get("from"), one.get("until")
    )


def _before(start: Any, end: Any) -> bool:
    """Return whether `start` lies before `end`; an open end lies beyond everything."""
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return True
    if start.tzinfo is None or end.tzinfo is None:
        return False
    return start < end
