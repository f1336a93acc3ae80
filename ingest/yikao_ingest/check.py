"""Is everything ready, and what is to be done where it is not? One answer for each part.

A part is looked at for real: the broker is connected to, the lock of the active ingest is looked
up, the clocks are compared. Nothing is changed and nobody is called. What is found is a code with
its facts; the sentences, with the remedy, stand in `text/check.zh.toml` and `text/check.en.toml`.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

OK: Final = "ok"
UNKNOWN: Final = "unknown"
"""Not looked at, because of another part."""
COMMON: Final = "common"
_MARKS: Final = {OK: "ok", UNKNOWN: "??"}
_BROKEN: Final = "!!"


@dataclass(frozen=True, slots=True)
class Found:
    """What the look at one part came to: `OK`, `UNKNOWN`, or the code of what is broken."""

    part: str
    code: str = OK
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """What is looked at: settings, the data folder of `yikao serve`, this machine's clock."""

    environ: Mapping[str, str]
    data: Path
    now: Callable[[], float]
    """Unix seconds."""


@cache
def load_texts(language: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the sentences in `zh` or `en`: by part, then by code."""
    file = resources.files("yikao_ingest").joinpath(f"text/check.{language}.toml")
    return tomllib.loads(file.read_text("utf-8"))


def told(found: Found, language: str) -> str:
    """Return the line for what was found: mark, part, what is so, and what to do about it."""
    own = load_texts(language)[found.part]
    said = own.get(found.code) or load_texts(language)[COMMON][found.code]
    what, *remedy = [said] if isinstance(said, str) else said
    mark = _MARKS.get(found.code, _BROKEN)
    sentence = " → ".join((what, *remedy)).format_map(found.facts)
    # A file may have several faults, each told in a line of its own.
    return f"{mark}  {own['name']}: {'; '.join(sentence.splitlines())}"


def span(seconds: float) -> str:
    """Return how long in the largest unit that fits: `12 s`, `5 min`, `3 h`, `2 d`."""
    for unit, unit_s in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} s"
