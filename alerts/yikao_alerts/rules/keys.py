"""What each key of a configuration table may hold, and how a wrong one is told to its author."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from yikao_devices.toml_lines import Fault, Lines

Place = tuple[str, int, str]
"""A table, the index within an array of tables, and a key ("" for the header)."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key: which values fit, what to write instead, and whether it has to be there."""

    fits: Callable[[Any], bool]
    fix: str
    needed: bool = True

    @property
    def optional(self) -> "Key":
        """Return the same key, as one that may be left out."""
        return replace(self, needed=False)


def text(most: int = 2000) -> Key:
    """Return a key for a text that is not blank, of at most so many characters."""
    return Key(
        lambda value: isinstance(value, str) and bool(value.strip()) and len(value) <= most,
        f'Write a text of up to {most} characters, "..."',
    )


def number(low: float, high: float) -> Key:
    """Return a key for a number within bounds; not-a-number is within none."""
    return Key(
        lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        ),
        f"Write a number from {low:g} to {high:g}",
    )


def whole(low: int, high: int) -> Key:
    """Return a key for a whole number within bounds."""
    within = number(low, high)
    return Key(
        lambda value: isinstance(value, int) and within.fits(value),
        f"Write a whole number from {low} to {high}",
    )


def one_of(words: Iterable[str]) -> Key:
    """Return a key for one of these words."""
    known = tuple(words)
    return Key(lambda value: value in known, f"Write one of {', '.join(known)}")


def several_of(words: Iterable[str]) -> Key:
    """Return a key for a list of these words, one at least."""
    known = tuple(words)
    return Key(
        lambda value: (
            isinstance(value, list) and bool(value) and all(word in known for word in value)
        ),
        f'Write a list, ["..."], of {", ".join(known)}',
    )


def switch() -> Key:
    """Return a key for true or false."""
    return Key(lambda value: isinstance(value, bool), "Write true or false").optional


def table() -> Key:
    """Return a key for a table."""
    return Key(lambda value: isinstance(value, dict), "Write { key = value, ... }")


def tables() -> Key:
    """Return a key for a list of tables, one at least."""
    return Key(
        lambda value: (
            isinstance(value, list)
            and bool(value)
            and all(isinstance(entry, dict) for entry in value)
        ),
        "Write a list of tables, [{ key = value, ... }]",
    )


@dataclass(slots=True)
class Faults:
    """What is wrong with a file, collected. `file`: its name, where there are several."""

    lines: Lines
    found: list[Fault] = field(default_factory=list)
    file: str = ""

    def add(self, place: Place, what: str, fix: str) -> None:
        """Note a fault at a table, index and key."""
        self.found.append(Fault(self.lines.of(*place), what, fix, self.file))

    def check(
        self,
        values: Mapping[str, Any],
        keys: Mapping[str, Key],
        place: tuple[str, int],
        name: str,
        *,
        inside: str = "",
    ) -> bool:
        """Note every key that is missing, unknown or wrong; return whether there was none.

        inside: the key whose value the table is, where it has no lines of its own.
        """
        before = len(self.found)
        for key, rule in keys.items():
            at = (*place, inside or key)
            if key not in values:
                if rule.needed:
                    self.add(at, f"{name}: {key} is missing", rule.fix)
            elif not rule.fits(values[key]):
                self.add(at, f"{name}: {key} cannot be {values[key]!r}", rule.fix)
        for key in [key for key in values if key not in keys]:
            fix = f"Known are {', '.join(keys)}"
            self.add((*place, inside or key), f"{name}: unknown key {key}", fix)
        return len(self.found) == before
