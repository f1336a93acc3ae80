"""What each line of a table says: readings, or what has to be mended in it.

Pure. Nothing is guessed: a line that is not understood word for word is refused with its number and
what to write instead, and so is a value that rule DQ-01 calls impossible.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yikao_alerts.contexts import GLUCOSE_CONTEXTS
from yikao_alerts.history import BLOOD_PRESSURE, DEVICE, GLUCOSE, SOURCES, UNITS
from yikao_alerts.rules import RuleSet
from yikao_devices.toml_lines import Fault
from yikao_ingest.accept import FUTURE_MAX
from yikao_ingest.imported.entry import PRESSURES, Entry
from yikao_ingest.imported.mapping import ISO
from yikao_ingest.imported.table import Line, Table

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
"""No home device kept a time before; an older one is a clock that was never set."""
YEARS: Final = range(2, 9999)
"""Years that can be told in every zone."""
NUMBER: Final = re.compile(r"\d{1,4}(?:\.\d{1,4})?", re.ASCII)
DEVICE_NAME: Final = re.compile(r"[\w(][\w .:/()#+-]{0,63}")
"""Names of devices; none begins with a sign that makes a spreadsheet compute."""
CODES: Final = re.compile(r"(?:[a-z0-9_]{1,48}(?:;|$)){0,32}", re.ASCII)
OUT_OF_RANGE: Final = {"hi": "hi", "high": "hi", "lo": "lo", "low": "lo"}
"""A meter's words in the place of a number, and the flags they stand for."""


class RefusedLineError(ValueError):
    """A line that is not understood: what is wrong, and what to write instead."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(f"{what}. {fix}")


@dataclass(frozen=True, slots=True)
class About:
    """What a table does not say of itself: whose it is, where they live, what the time is.

    source: said by whoever imports, in the place of the layout's.
    """

    resident: str
    zone: tzinfo
    rules: RuleSet
    now: datetime
    source: str | None = None


def read_entries(table: Table, about: About) -> tuple[list[Entry], list[Fault]]:
    """Return the readings of the lines that are understood, and what is wrong with the others."""
    entries: list[Entry] = []
    faults = [table.broken] if table.broken else []
    for line in table.lines:
        try:
            entries += _Reader(table, about, line).entries()
        except RefusedLineError as error:
            faults.append(Fault(line.number, error.what, error.fix))
    return entries, sorted(faults, key=lambda fault: fault.line)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one line."""

    table: Table
    about: About
    line: Line

    def entries(self) -> list[Entry]:
        """Return the readings of the line: a pressure, a glucose, or both."""
        if len(self.line.cells) > self.table.width:
            what = f"the line has {len(self.line.cells)} cells, the header {self.table.width}"
            raise RefusedLineError(what, "Put a cell with a comma in it into quotes")
        owner = self._text("resident")
        if owner and owner != self.about.resident:
            raise RefusedLineError(f"it is of {owner!r}", "Import each resident's lines alone")
        found = [entry for entry in (self._pressure(), self._glucose()) if entry is not None]
        if not found:
            raise RefusedLineError("it has no value", "Give systolic and diastolic, or glucose")
        for entry in found:
            self._check(entry)
        return found

    def _check(self, entry: Entry) -> None:
        if rule := self.about.rules.implausible(entry.measurement(self.about.now)):
            numbers = ", ".join(f"{value:g}" for value in entry.values.values())
            what = f"{entry.kind} {numbers} {entry.unit} cannot be ({rule.id})"
            raise RefusedLineError(what, "Look at the unit, and at the digits")

    def _pressure(self) -> Entry | None:
        if self._kind() == GLUCOSE:
            return None
        found = {name: self._value(name) for name in PRESSURES}
        values = {name: number for name, (_, number) in found.items() if number is not None}
        if not values.keys() & {"systolic", "diastolic"}:
            return None
        if not values.keys() >= {"systolic", "diastolic"}:
            raise RefusedLineError("one of systolic and diastolic is missing", "Give both")
        units = {found[name][0] for name in values}
        if len(units) > 1:
            raise RefusedLineError("the pressures are in different units", "Give one unit")
        _, pulse = self._value("pulse")
        more = {} if pulse is None else {"pulse": pulse}
        return self._entry(BLOOD_PRESSURE, units.pop(), values | more, self._flags())

    def _glucose(self) -> Entry | None:
        if self._kind() == BLOOD_PRESSURE:
            return None
        unit, cell = self._filled("glucose")
        word = OUT_OF_RANGE.get(cell.casefold())
        number = None if word else self._number("glucose", cell)
        flags = (*self._flags(), word) if word else self._flags()
        if number is None and not {"hi", "lo"} & set(flags):
            return None
        values = {} if number is None else {"glucose": number}
        return self._entry(GLUCOSE, unit, values, tuple(dict.fromkeys(flags)))

    def _entry(
        self, kind: str, unit: str, values: dict[str, float], flags: tuple[str, ...]
    ) -> Entry:
        meal = self._meal() if kind == GLUCOSE else None
        device = self._text("device") or None
        if device is not None and not DEVICE_NAME.fullmatch(device):
            raise RefusedLineError(f"device {device!r} is no name", "Give letters and digits")
        source = self._source()
        return Entry(self.line.number, kind, self._at(), source, unit, values, flags, meal, device)

    def _text(self, column: str) -> str:
        """Return a cell, empty where the file writes its sign for nothing."""
        cell = self.table.cell(self.line, column)
        return "" if cell in self.table.layout.empty else cell

    def _kind(self) -> str:
        kind = self._text("kind")
        if kind not in ("", BLOOD_PRESSURE, GLUCOSE):
            raise RefusedLineError(f"kind {kind!r}", f"Write {BLOOD_PRESSURE} or {GLUCOSE}")
        return kind

    def _unit(self, name: str) -> str:
        """Return the unit of a value: what the line says, else the layout's."""
        said = self._text("unit")
        if said and not any(said in units for units in UNITS.values()):
            raise RefusedLineError(f"unit {said!r}", "Write mmHg or kPa, mmol/L or mg/dL")
        kind = GLUCOSE if name == "glucose" else BLOOD_PRESSURE
        return said if said in UNITS[kind] else self.table.layout.unit_of(name)

    def _filled(self, name: str) -> tuple[str, str]:
        """Return a value's unit and cell: of several the one in the line's unit, if it is filled;
        an empty cell where none is."""
        own = self._unit(name)
        cells = [
            (unit or own, self.line.cells[place]) for unit, place in self.table.places.get(name, ())
        ]
        filled = [each for each in cells if each[1] and each[1] not in self.table.layout.empty]
        filled.sort(key=lambda each: each[0] != own)
        return filled[0] if filled else (own, "")

    def _value(self, name: str) -> tuple[str, float | None]:
        unit, cell = self._filled(name)
        return unit, self._number(name, cell)

    def _number(self, name: str, cell: str) -> float | None:
        if not cell:
            return None
        plain = cell.replace(self.table.layout.decimal, ".", 1)
        if not NUMBER.fullmatch(plain):
            raise RefusedLineError(f"{name} {cell!r} is no number", "Write it as 128 or 5.6")
        return float(plain)

    def _flags(self) -> tuple[str, ...]:
        text = self._text("flags")
        if not CODES.fullmatch(text):
            raise RefusedLineError(f"flags {text!r}", "Write codes, separated by ;")
        return tuple(filter(None, text.split(";")))

    def _meal(self) -> str | None:
        word = self._text("meal")
        meal = self.table.layout.meals.get(word, word)
        if meal and meal not in GLUCOSE_CONTEXTS:
            fix = f"Write one of {', '.join(GLUCOSE_CONTEXTS)}, or name the word in [meals]"
            raise RefusedLineError(f"meal {word!r} is unknown", fix)
        return meal or None

    def _source(self) -> str:
        """Return how it came: what the importer says, else the line, else the layout."""
        said = self._text("source")
        if said and said not in SOURCES:
            raise RefusedLineError(f"source {said!r}", f"Write one of {', '.join(SOURCES)}")
        # A device's reading that comes in a file was not brought by a gateway of ours.
        own = None if said == DEVICE else said
        return self.about.source or own or self.table.layout.source

    def _at(self) -> datetime:
        parts = [self._text(column) for column in ("date", "time")]
        text = " ".join(filter(None, parts))
        at = self._parsed(text)
        if at is None or at.year not in YEARS:
            form = " or ".join(self.table.layout.time)
            raise RefusedLineError(f"time {text!r} is not of the form {form}", "Mend it")
        aware = at if at.tzinfo else at.replace(tzinfo=self._zone())
        moment = aware.astimezone(UTC)
        if moment < EARLIEST:
            raise RefusedLineError(f"measured at {text}", "Set the clock of that device")
        if moment > self.about.now + FUTURE_MAX:
            raise RefusedLineError(f"measured at {text}, in the future", "Look at the date's order")
        return moment

    def _parsed(self, text: str) -> datetime | None:
        for form in self.table.layout.time:
            try:
                if form == ISO:
                    return datetime.fromisoformat(text)
                return datetime.strptime(text, form)  # noqa: DTZ007  the zone is another cell
            except (ValueError, OverflowError):
                continue
        return None

    def _zone(self) -> tzinfo:
        name = self._text("zone") or self.table.layout.zone
        if name is None:
            return self.about.zone
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise RefusedLineError(f"no zone {name!r}", "Write it as Asia/Shanghai") from error
