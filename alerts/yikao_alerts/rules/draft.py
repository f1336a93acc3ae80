"""The tables of a rule set from all its files, each with where it stands, before they are checked.

A set that is based on another one takes over its tables; an entry of the same name or id replaces
the keys that it names and no others, and says its own source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from yikao_alerts.rules.keys import Faults, Key, Place, one_of, table, tables, text
from yikao_devices.toml_lines import Fault, Lines

BASES: Final = ("cn",)
"""Shipped sets that another one may be based on; they are based on none themselves."""
SINGLE: Final = ("late", "suppress")
NAMED: Final = ("protocol", "recheck", "average", "template")
_TOP: Final[Mapping[str, Key]] = {
    "version": text().optional,
    "profile": text().optional,
    "based_on": one_of(BASES).optional,
    "late": table().optional,
    "suppress": table().optional,
    **dict.fromkeys(NAMED, table().optional),
    "rule": tables().optional,
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a set: its values, where they stand, and its name where there are several."""

    name: str
    values: Mapping[str, Any]
    lines: Lines


@dataclass(frozen=True, slots=True)
class Entry:
    """One table, and where it begins. `faults` notes what is wrong with it, under its file."""

    values: Mapping[str, Any]
    faults: Faults
    place: tuple[str, int]

    @property
    def name(self) -> str:
        """What its faults are told under: its id, else its table."""
        return str(self.values.get("id", self.place[0].rpartition(".")[2]))

    def at(self, key: str = "") -> Place:
        """Return the place of one of its keys."""
        return (*self.place, key)

    def over(self, base: "Entry") -> "Entry":
        """Return this entry with the keys of `base` that it does not name."""
        return Entry({**base.values, **self.values}, self.faults, self.place)


@dataclass(slots=True)
class Draft:
    """All tables of a set. `named` holds those of `NAMED` and, under "", those of `SINGLE`."""

    top: dict[str, Any] = field(default_factory=dict)
    named: dict[str, dict[str, Entry]] = field(default_factory=dict)
    rules: dict[tuple[str, str], Entry] = field(default_factory=dict)
    found: list[Fault] = field(default_factory=list)

    def has(self, key: str) -> bool:
        """Return whether there is such a key or table at all."""
        return key in self.top or key in self.named or (key == "rule" and bool(self.rules))

    def entries(self, section: str) -> dict[str, Entry]:
        """Return the tables of one section by name."""
        return self.named.get(section, {})

    def tables(self, section: str) -> dict[str, Mapping[str, Any]]:
        """Return what they hold."""
        return {name: entry.values for name, entry in self.entries(section).items()}


def merged(files: Sequence[SourceFile], base: Draft | None) -> Draft:
    """Return the tables of all files over those of the base, and what cannot be put together."""
    draft = Draft(found=base.found if base else [])
    for file in files:
        faults = Faults(file.lines, draft.found, file.name)
        if faults.check(file.values, _TOP, ("", 0), "file"):
            _add_top(draft, file, faults)
            _add_named(draft, file, faults)
            _add_rules(draft, file, faults)
    if base is not None:
        _lay_over(draft, base)
    return draft


def _add_top(draft: Draft, file: SourceFile, faults: Faults) -> None:
    for key in ("version", "profile", "based_on"):
        if key not in file.values:
            continue
        if key in draft.top:
            faults.add(("", 0, key), f"{key} is there twice", "Write it in one file only")
        draft.top[key] = file.values[key]


def _add_named(draft: Draft, file: SourceFile, faults: Faults) -> None:
    for section in (*SINGLE, *NAMED):
        if section not in file.values:
            continue
        held = file.values[section]
        entries = {"": held} if section in SINGLE else held
        for name, values in entries.items():
            place = (f"{section}.{name}".rstrip("."), 0)
            if not isinstance(values, dict):
                what, fix = f"{name}: no {section}", f"Write [{section}.{name}]"
                faults.add((section, 0, name), what, fix)
                continue
            if name in draft.entries(section):
                what = f"{section} {name} is there twice".replace("  ", " ")
                faults.add((*place, ""), what, "Write it in one file only")
            draft.named.setdefault(section, {})[name] = Entry(values, faults, place)


def _add_rules(draft: Draft, file: SourceFile, faults: Faults) -> None:
    for index, values in enumerate(file.values.get("rule", ())):
        entry = Entry(values, faults, ("rule", index))
        rule_id, kind = values.get("id"), values.get("kind", "")
        if not isinstance(rule_id, str) or not rule_id.strip() or not isinstance(kind, str):
            what = f"rule {index + 1}: id or kind is missing"
            faults.add(entry.at(), what, 'Write id = "..." and kind = "..."')
        elif (rule_id, kind) in draft.rules:
            fix = "Give it an id of its own"
            faults.add(entry.at("id"), f"{rule_id}: there twice for {kind}", fix)
        else:
            draft.rules[rule_id, kind] = entry


def _lay_over(draft: Draft, base: Draft) -> None:
    """Put what the base has under what differs; whatever differs says why, by its source."""
    own = [*draft.rules.values(), *(e for part in draft.named.values() for e in part.values())]
    for entry in own:
        if "source" not in entry.values:
            fix = "What differs has a source of its own"
            entry.faults.add(entry.at(), f"{entry.name}: no source", fix)
    draft.top = {**base.top, **draft.top}
    for section, entries in base.named.items():
        over = draft.entries(section)
        draft.named[section] = {**entries, **{n: _over(e, entries, n) for n, e in over.items()}}
    rules = {key: _over(entry, base.rules, key) for key, entry in draft.rules.items()}
    draft.rules = {**base.rules, **rules}


def _over(entry: Entry, base: Mapping[Any, Entry], key: Any) -> Entry:
    return entry.over(base[key]) if key in base else entry
