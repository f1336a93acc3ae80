"""How the columns of a file are called, and in which units and form it writes: a layout, as data.

A layout is a TOML file that a person can read and write. Those for OMRON connect and iHealth lie
in `mappings/`, each saying where its columns were seen; `docs/import-mapping.example.toml` explains
every key. A faulty one is refused with its lines.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yikao_alerts.contexts import GLUCOSE_CONTEXTS
from yikao_alerts.history import BLOOD_PRESSURE, GLUCOSE, IMPORTED, MANUAL, UNITS
from yikao_devices.toml_lines import Fault, FaultyFileError, parse_toml
from yikao_ingest.imported.entry import PRESSURES

ISO: Final = "iso"
"""In the place of a time's format: ISO 8601."""
VALUES: Final = (*PRESSURES, "pulse", "glucose")
OTHERS: Final = ("time", "date", "zone", "kind", "unit", "meal", "flags", "device", "source")
COLUMNS: Final = (*VALUES, *OTHERS, "resident")
SAMPLE: Final = datetime.fromisoformat("2026-11-22T19:05")
"""A time to try a format with: each of its parts is told from the others."""
SHIPPED: Final[Mapping[str, tuple[str, ...]]] = {
    "omron": ("omron.toml", "omron_us_emea.toml"),
    "ihealth": ("ihealth.toml", "ihealth_cn.toml"),
    "csv": ("yikao.toml",),
}
"""Layouts to try, by what a person calls the file; `csv` is our own export."""

Names = Mapping[str, tuple[str, ...]]
"""What a column may be called, by the unit of what stands in it; `""`: the layout's own unit."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written. `seen`: where its columns are known from; empty: they are a guess."""

    name: str
    columns: Mapping[str, Names]
    time: tuple[str, ...] = (ISO,)
    seen: str = ""
    zone: str | None = None
    pressure: str = "mmHg"
    glucose: str = "mmol/L"
    source: str = IMPORTED
    delimiter: str = ","
    decimal: str = "."
    empty: tuple[str, ...] = ()
    meals: Mapping[str, str] = field(default_factory=dict)

    def unit_of(self, value: str) -> str:
        """Return the unit of a value where the file does not say."""
        return self.glucose if value == "glucose" else self.pressure

    def needed(self) -> tuple[str, ...]:
        """Return the columns without which a file is not of this layout."""
        names = ("time", "date", "systolic", "diastolic", "glucose")
        return tuple(name for name in names if name in self.columns)


def shipped(kind: str) -> list[Layout]:
    """Return the layouts that come with the product, for `--as KIND`."""
    folder = resources.files("yikao_ingest.imported").joinpath("mappings")
    return [parse_layout(folder.joinpath(name).read_text("utf-8"), name) for name in SHIPPED[kind]]


def parse_layout(text: str, path: str) -> Layout:
    """Return the layout in `text`; refuses it with `FaultyFileError`, all faults at once."""
    values, lines = parse_toml(text, path)
    faults = []
    for key, value in values.items():
        check, fix = KEYS.get(key, (_never, f"The keys are {', '.join(KEYS)}"))
        if not check(value):
            faults.append(Fault(lines.of("", 0, key) or lines.of(key), f"{key} is not right", fix))
    columns = values.get("columns", {})
    if not faults and (what := _lacking(values, columns)):
        faults.append(Fault(lines.of("columns"), what, "docs/import-mapping.example.toml has one"))
    if faults:
        raise FaultyFileError(path, faults)
    names = {key: _names(value) for key, value in columns.items()}
    lists = {key: tuple(values[key]) for key in ("time", "empty") if key in values}
    return Layout(**values | lists | {"columns": names})


def _lacking(values: Mapping[str, Any], columns: Mapping[str, Any]) -> str | None:
    """Return what a layout needs and has not."""
    if "name" not in values:
        return "it has no name"
    if not {"time", "date"} & columns.keys():
        return "no column has the time"
    if "glucose" in columns or {"systolic", "diastolic"} <= columns.keys():
        return None
    return "neither systolic and diastolic nor glucose have a column"


def _names(value: Any) -> Names:
    """Return what a column may be called, from one name, several, or those for each unit."""
    if isinstance(value, dict):
        return {unit: names for unit, each in value.items() for names in _names(each).values()}
    return {"": (value,) if isinstance(value, str) else tuple(value)}


def _never(value: Any) -> bool:
    return False


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _one_of(*words: str) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in words, f"Write one of {', '.join(map(repr, words))}"


def _columns(value: Any) -> bool:
    return isinstance(value, dict) and all(
        key in COLUMNS and _column(key, each) for key, each in value.items()
    )


def _column(key: str, value: Any) -> bool:
    if isinstance(value, dict):
        kind = BLOOD_PRESSURE if key in PRESSURES else GLUCOSE if key == "glucose" else ""
        units = UNITS.get(kind, ())
        return all(unit in units and (_text(n) or _texts(n)) for unit, n in value.items())
    return _text(value) or (_texts(value) and len(value) > 0)


def _formats(value: Any) -> bool:
    return _texts(value) and len(value) > 0 and all(map(_brings_back, value))


def _brings_back(form: str) -> bool:
    """Return whether a format tells day and minute; a day alone is no time of a reading."""
    try:
        return form == ISO or datetime.strptime(SAMPLE.strftime(form), form) == SAMPLE  # noqa: DTZ007
    except (ValueError, re.error):
        return False


def _zone(value: Any) -> bool:
    try:
        return _text(value) and bool(ZoneInfo(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _meals(value: Any) -> bool:
    return isinstance(value, dict) and all(each in GLUCOSE_CONTEXTS for each in value.values())


KEYS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "name": (_text, "Write a text"),
    "seen": (_text, "Write where its columns were seen"),
    "columns": (
        _columns,
        f'Write [columns] and name = "its heading" for some of {", ".join(COLUMNS)}',
    ),
    "time": (
        _formats,
        'Write a list of formats with day and minute, ["%Y-%m-%d %H:%M"] or ["iso"]',
    ),
    "zone": (_zone, "Write one as Asia/Shanghai"),
    "pressure": _one_of(*UNITS[BLOOD_PRESSURE]),
    "glucose": _one_of(*UNITS[GLUCOSE]),
    "source": _one_of(IMPORTED, MANUAL),
    "delimiter": _one_of(",", ";", "\t"),
    "decimal": _one_of(".", ","),
    "empty": (_texts, 'Write a list of texts, ["-"]'),
    "meals": (_meals, f"Give each word one of {', '.join(GLUCOSE_CONTEXTS)}"),
}
