"""Reads the catalogue's files: entries as data, each departure from the standard with its source.

An entry without its source is refused: next year nobody could say whether it is still true. All
faults of a folder are told at once, with file, line, and what to write instead.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, ValidationError, convert

from yikao_devices.model import (
    QUIET_MAX_S,
    QUIET_S,
    SETTLE_MAX_S,
    WINDOW_MAX_S,
    WINDOW_S,
    ClockRule,
    Conversation,
    Model,
)
from yikao_devices.quirks import Quirk
from yikao_devices.toml_lines import Fault, FaultyFileError, Lines, parse_toml

OWN_PROTOCOLS: Final = frozenset({Conversation.MICROLIFE, Conversation.YONKER})
"""Conversations that are a departure by themselves; the others are the standard's."""
SOURCE_MIN: Final = 12
"""Characters: a source is an address, or a document and its section."""
_NEEDS_NO_SOURCE: Final = frozenset({"name", "vendor", "conversation", "source"})


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A `[[model]]` as it is written; what the keys mean is told at `Model`."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{1,39}$")]
    vendor: Annotated[str, Meta(min_length=1, max_length=40)]
    conversation: Conversation
    pattern: str
    source: dict[str, Annotated[str, Meta(min_length=SOURCE_MIN)]]
    quirk: str | None = None
    clock: ClockRule = ClockRule.SET
    settle_s: Annotated[float, Meta(ge=0, le=SETTLE_MAX_S)] = 0.0
    quiet_s: Annotated[float, Meta(gt=0, le=QUIET_MAX_S)] = QUIET_S
    window_s: Annotated[float, Meta(gt=0, le=WINDOW_MAX_S)] = WINDOW_S
    bond_first: bool = False
    sequence_is_cursor: bool = True
    clock_is_believed: bool = True
    service: Annotated[int, Meta(ge=0, le=0xFFFF)] | None = None


def load_models(folder: Path) -> tuple[Model, ...]:
    """Return the models of every `*.toml` in `folder`, in the order of file names and entries.

    Refuses faulty files with `FaultyFileError`, which tells all faults of all files.
    """
    found: list[Model] = []
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.toml")):
        models, wrong = _read(path)
        found += models
        faults += wrong
    names = Counter(model.name for model in found)
    faults += [
        Fault(0, f"{name!r} is the name of {count} models", "Give each a name of its own")
        for name, count in names.items()
        if count > 1
    ]
    if faults:
        raise FaultyFileError(str(folder), faults)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Place:
    """An entry's place in its file."""

    file: str
    lines: Lines
    index: int

    def fault(self, key: str, what: str, fix: str) -> Fault:
        return Fault(self.lines.of("model", self.index, key), what, fix, self.file)


def _read(path: Path) -> tuple[list[Model], list[Fault]]:
    try:
        values, lines = parse_toml(path.read_text("utf-8"), path.name)
    except FaultyFileError as error:
        return [], [Fault(each.line, each.what, each.fix, path.name) for each in error.faults]
    tables = values.get("model")
    if not isinstance(tables, list) or values.keys() != {"model"}:
        return [], [Fault(0, "not a list of models", "Begin each with [[model]]", path.name)]
    models: list[Model] = []
    faults: list[Fault] = []
    for index, table in enumerate(tables):
        place = _Place(path.name, lines, index)
        try:
            entry = convert(table, Entry)
        except ValidationError as error:
            faults.append(place.fault(*_told(error, table)))
            continue
        wrong = list(_faults(entry, table, place))
        faults += wrong
        if not wrong:
            models.append(_model(entry))
    return models, faults


def _told(error: ValidationError, table: Any) -> tuple[str, str, str]:
    """Return the key that is wrong, what is wrong with it, and what to write."""
    what, _, path = str(error).partition(" - at `$")
    key = path.strip("`.").split("[")[0].split(".")[0]
    unknown = re.search(r"unknown field `(\w+)`", what)
    if unknown is not None:
        key = unknown[1]
    name = table.get("name", "") if isinstance(table, dict) else ""
    keys = ", ".join(Entry.__struct_fields__)
    where = f"model {name!r}, {key}: " if key else f"model {name!r}: "
    return key, where + what, f"The keys are {keys}; docs/adding-a-device.md shows each"


def _faults(entry: Entry, table: dict[str, Any], place: _Place) -> Iterator[Fault]:
    name = entry.name
    needed = set(table) - _NEEDS_NO_SOURCE
    if entry.conversation in OWN_PROTOCOLS:
        needed.add("conversation")
    for key in sorted(needed - entry.source.keys()):
        fix = f'Write {key} = "where somebody saw it" under [model.source], or leave {key} out'
        yield place.fault(key, f"model {name!r}: {key} has no source", fix)
    for key in sorted(entry.source.keys() - needed):
        fix = "Give the key itself a value, or take its source out"
        yield place.fault("source", f"model {name!r}: a source for {key}, which is not set", fix)
    if entry.quirk is not None and entry.quirk.upper() not in Quirk.__members__:
        known = ", ".join(each.lower() for each in Quirk.__members__)
        yield place.fault(
            "quirk", f"model {name!r}: no quirk is called so", f"Write one of {known}"
        )
    try:
        re.compile(entry.pattern)
    except re.error as error:
        fix = "Write a regular expression for the whole advertised name, in single quotes"
        yield place.fault("pattern", f"model {name!r}: pattern is none ({error})", fix)


def _model(entry: Entry) -> Model:
    return Model(
        entry.name,
        entry.conversation,
        pattern=entry.pattern,
        quirk=Quirk[entry.quirk.upper()] if entry.quirk is not None else None,
        clock=entry.clock,
        settle_s=entry.settle_s,
        quiet_s=entry.quiet_s,
        window_s=entry.window_s,
        bond_first=entry.bond_first,
        sequence_is_cursor=entry.sequence_is_cursor,
        clock_is_believed=entry.clock_is_believed,
        service=entry.service,
        vendor=entry.vendor,
    )
