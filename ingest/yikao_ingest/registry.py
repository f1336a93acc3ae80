"""The registry file: teams, doctors, residents, gateways, devices and whose each device is.

Read as a whole and checked as a whole: every fault is told with its line and the fix, and a file
with a fault changes nothing. Example: docs/registry.example.toml.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from yikao_devices.toml_lines import Fault, FaultyFileError, Lines, parse_toml
from yikao_ingest.directory import ANYBODY
from yikao_ingest.registry_fields import FIELDS, KEYS
from yikao_ingest.registry_rota import references, specialist_references

TABLES: Final = tuple(FIELDS)


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


def parse_registry(text: str, path: str) -> Registry:
    """Return the registry in `text`; refuses it with `FaultyFileError`, all faults at once."""
    values, lines = parse_toml(text, path)
    reader = _Reader(values, lines)
    for name in TABLES:
        reader.check_table(name)
        reader.check_references(name)
    reader.check_bindings()
    reader.check_cards()
    reader.check_rotas()
    if reader.faults:
        raise FaultyFileError(path, reader.faults)
    return Registry(reader.tables)


class _Reader:
    """Checks tables and collects what is wrong with them."""

    def __init__(self, values: Mapping[str, Any], lines: Lines) -> None:
        self._lines = lines
        self.faults: list[Fault] = []
        for name in values:
            if name not in TABLES:
                fix = f"The tables are {', '.join(f'[[{table}]]' for table in TABLES)}"
                self.faults.append(Fault(lines.of(name), f"unknown table {name}", fix))
        self.tables = {name: self._rows(name, values.get(name, [])) for name in TABLES}
        self._known = {name: {_id(name, row) for row in self.tables[name]} for name in TABLES}

    def _rows(self, name: str, entries: Any) -> tuple[Row, ...]:
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
            return tuple(Row(self._lines.of(name, i), entry) for i, entry in enumerate(entries))
        self._fault(name, 0, "", f"{name} is no list of tables", f"Write [[{name}]] before each")
        return ()

    def check_table(self, name: str) -> None:
        """Note each wrong value of a table, and each id that is there twice."""
        key = KEYS.get(name, "id")
        seen: set[str] = set()
        for index, row in enumerate(self.tables[name]):
            self._check_entry(name, index, row.values)
            if key in row.values and _id(name, row) in seen:
                what = f"{key} {row.values[key]!r} is there twice"
                self._fault(name, index, key, what, "Remove one")
            seen.add(_id(name, row))

    def _check_entry(self, name: str, index: int, entry: Mapping[str, Any]) -> None:
        fields = FIELDS[name]
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

    def check_references(self, name: str) -> None:
        """Note each name in a table that no entry of the table it refers to has."""
        references = [(key, f.refers) for key, f in FIELDS[name].items() if f.refers]
        for index, row in enumerate(self.tables[name]):
            for key, table in references:
                if key in row.values and repr(row.values[key]) not in self._known[table]:
                    what = f"{key} {row.values[key]!r} is not among the {table}"
                    self._fault(name, index, key, what, f"Add it to [[{table}]]")

    def check_bindings(self) -> None:
        """Note each binding that ends before it begins (the database would take it for an open
        one), and each pair that gives one slot of a device to two at the same time."""
        slots: dict[str, list[Row]] = {}
        for row in self.tables["bindings"]:
            if not _before(row.values.get("from"), row.values.get("until")):
                what = "[[bindings]] ends before it begins"
                self.faults.append(Fault(row.line, what, "Mend from or until"))
            slot = repr((row.values.get("device"), row.values.get("user", ANYBODY)))
            for earlier in slots.setdefault(slot, []):
                if _overlap(row.values, earlier.values):
                    what = f"[[bindings]] overlaps the binding of line {earlier.line}"
                    self.faults.append(Fault(row.line, what, "End one with until = ..."))
            slots[slot].append(row)

    def check_cards(self) -> None:
        """Note each card that ends before it begins, and each binding without an end of a device
        that many use: whatever they measure would be one resident's."""
        for row in self.tables["cards"]:
            if not _before(row.values.get("from"), row.values.get("until")):
                what = "[[cards]] ends before it begins"
                self.faults.append(Fault(row.line, what, "Mend from or until"))
        rows = self.tables["devices"]
        stations = [repr(r.values.get("address")) for r in rows if r.values.get("station") is True]
        for row in self.tables["bindings"]:
            if repr(row.values.get("device")) in stations and "until" not in row.values:
                what = "[[bindings]] gives a station's device to one resident for good"
                fix = "End it with until = ... : cards say whose its readings are"
                self.faults.append(Fault(row.line, what, fix))

    def check_rotas(self) -> None:
        """Note what layers and specialists refer to that is not there, or leads in a circle."""
        if any(fault.what.startswith(("[[rotas]]", "[[centres]]")) for fault in self.faults):
            return
        rotas = [row.values for row in self.tables["rotas"]]
        doctors = {row.values.get("id") for row in self.tables["doctors"]}
        for index, what, fix in references(rotas, doctors):
            self._fault("rotas", index, "layers", what, fix)
        known = {rota["id"] for rota in rotas}
        centres = [row.values for row in self.tables["centres"]]
        for index, what in specialist_references(centres, known):
            self._fault("centres", index, "specialists", what, "Add it to [[rotas]]")

    def _fault(self, table: str, index: int, key: str, what: str, fix: str) -> None:
        self.faults.append(Fault(self._lines.of(table, index, key), f"[[{table}]] {what}", fix))


def _id(table: str, row: Row) -> str:
    """Return what others refer to an entry by, in a form that any value has."""
    return repr(row.values.get(KEYS.get(table, "id")))


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _before(one.get("from"), other.get("until")) and _before(
        other.get("from"), one.get("until")
    )


def _before(start: Any, end: Any) -> bool:
    """Return whether `start` lies before `end`; an open end lies beyond everything.

    A time without an offset cannot be compared, and is a fault of its own.
    """
    aware = all(isinstance(at, datetime) and at.tzinfo is not None for at in (start, end))
    return start < end if aware else True
