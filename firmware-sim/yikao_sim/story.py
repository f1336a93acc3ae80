"""A story: what happens in which home, minutes after it begins, and what people do when asked.

It is a TOML file that a nurse can write; `stories/` holds some. It is checked before anything
happens, and refused with all its faults, each with its line and what to write instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from yikao_devices.glucose_context import MEALS
from yikao_devices.toml_lines import Fault, FaultyFileError, Lines, parse_toml
from yikao_sim.air.measurements import (
    PRESSURE_MMHG,
    PULSE_BPM,
    SPO2_PCT,
    TEMPERATURE_C,
    WEIGHT_KG,
)

ENTRIES_MAX: Final = 1000
"""Events, and replies; a longer story is two."""
AFTER_MAX_MIN: Final = 14 * 24 * 60
TEXT_MAX: Final = 500

Value = int | float | str | bool

_NUMBERS: Final[Mapping[str, tuple[type, float, float]]] = {
    "after_min": (float, 0, AFTER_MAX_MIN),
    "after_s": (float, 0, AFTER_MAX_MIN * 60),
    "systolic": (int, *PRESSURE_MMHG),
    "diastolic": (int, *PRESSURE_MMHG),
    "pulse": (int, *PULSE_BPM),
    "user": (int, 0, 255),
    "glucose_mmol_l": (float, 0, 100),
    "weight_kg": (float, *WEIGHT_KG),
    "temperature_c": (float, *TEMPERATURE_C),
    "spo2_pct": (int, *SPO2_PCT),
    "heart_rate_bpm": (int, *PULSE_BPM),
    "worn_min": (float, 1, AFTER_MAX_MIN),
}
_ALONE: Final = ("glucose_mmol_l", "weight_kg", "temperature_c", "spo2_pct", "heart_rate_bpm")
"""A measurement has one of these, or both pressures."""
_SWITCHES: Final = ("irregular_pulse", "body_movement", "cuff_loose")
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "do": ("measure", "say"),
    "meal": tuple(MEALS.values()),
}
_TEXTS: Final = ("home", "say_zh", "say_en", "title_zh", "title_en")

_MEASURED: Final = (
    *("systolic", "diastolic", "pulse", "user", "meal", "worn_min"),
    *_ALONE,
    *_SWITCHES,
)
_EVENT: Final = ("after_min", "home", "do", "say_zh", "say_en", *_MEASURED)
_REPLY: Final = ("home", "after_s", "say_zh", "say_en", *_MEASURED)
_HEAD: Final = ("title_zh", "title_en", "event", "reply")


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens in a home: `after` the beginning, or after being asked.

    `measured` is what the devices then show, by the names of the air's control socket (mmHg, bpm,
    mmol/L); empty when something is only said.
    """

    home: str
    after: timedelta
    say_zh: str = ""
    say_en: str = ""
    measured: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Story:
    """`events` in the order of time; `replies` in the order of the file."""

    title_zh: str
    title_en: str
    events: tuple[Step, ...]
    replies: tuple[Step, ...]

    def homes(self) -> set[str]:
        """Return the homes it plays in."""
        return {step.home for step in (*self.events, *self.replies)}


def parse_story(text: str, path: str) -> Story:
    """Return the story in `text`; refuses it with `FaultyFileError`, all faults at once."""
    values, lines = parse_toml(text, path)
    check = _Check(lines)
    events, replies = check.tables(values, "event"), check.tables(values, "reply")
    check.keys(("", 0), values, _HEAD, needed=("title_zh", "title_en", "event"))
    for index, table in enumerate(events):
        check.event(index, table)
    for index, table in enumerate(replies):
        check.reply(index, table)
    if check.faults:
        raise FaultyFileError(path, check.faults)
    told = (_step(table, timedelta(minutes=table["after_min"])) for table in events)
    asked = (_step(table, timedelta(seconds=table["after_s"])) for table in replies)
    return Story(
        values["title_zh"],
        values["title_en"],
        tuple(sorted(told, key=lambda step: step.after)),
        tuple(asked),
    )


def _step(table: Mapping[str, Any], after: timedelta) -> Step:
    measured = {name: table[name] for name in _MEASURED if name in table}
    said = (table.get("say_zh", ""), table.get("say_en", ""))
    return Step(table["home"], after, *said, measured)


class _Check:
    """Collects what is wrong with a story."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.faults: list[Fault] = []

    def tables(self, values: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        """Return the tables called `name`."""
        found = values.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            line = self._lines.of("", 0, name) or self._lines.of(name)
            self.faults.append(Fault(line, f"{name} is no list of tables", f"Write [[{name}]]"))
            return []
        if len(found) > ENTRIES_MAX:
            fix = f"Leave at most {ENTRIES_MAX}"
            self._fault((name, ENTRIES_MAX), "", f"{len(found)} times [[{name}]]", fix)
        return found[:ENTRIES_MAX]

    def event(self, index: int, table: Mapping[str, Any]) -> None:
        """Check one [[event]]."""
        place = ("event", index)
        self.keys(place, table, _EVENT, needed=("after_min", "home", "do"))
        if table.get("do") == "measure":
            self._measured(place, table)
        elif table.get("do") == "say":
            for name in _MEASURED:
                if name in table:
                    self._fault(place, name, f"{name} in an event that only says", "Leave it out")
            if not (table.get("say_zh") and table.get("say_en")):
                self._fault(place, "do", "nothing to say", "Write say_zh and say_en")

    def reply(self, index: int, table: Mapping[str, Any]) -> None:
        """Check one [[reply]]."""
        place = ("reply", index)
        self.keys(place, table, _REPLY, needed=("home", "after_s"))
        self._measured(place, table)

    def keys(
        self,
        place: tuple[str, int],
        table: Mapping[str, Any],
        known: tuple[str, ...],
        *,
        needed: tuple[str, ...],
    ) -> None:
        """Check that nothing is unknown or missing, and that each value can be what it says."""
        for name in table:
            if name not in known:
                self._fault(place, name, f"unknown key {name}", f"Write one of {', '.join(known)}")
            elif wrong := _wrong(name, table[name]):
                self._fault(place, name, f"{name} = {table[name]!r}", wrong)
        for name in needed:
            if name not in table:
                header = f"[[{place[0]}]]" if place[0] else "the story"
                self._fault(place, name, f"{header} has no {name}", f"Write {name} = …")
        if bool(table.get("say_zh")) != bool(table.get("say_en")):
            self._fault(place, "say_zh", "said in one language only", "Write say_zh and say_en")

    def _measured(self, place: tuple[str, int], table: Mapping[str, Any]) -> None:
        pressures = {"systolic", "diastolic"} & set(table)
        things = len(set(_ALONE) & set(table)) + bool(pressures)
        if things != 1 or len(pressures) == 1:
            fix = f"Write systolic and diastolic, or one of {', '.join(_ALONE)}"
            self._fault(place, "", "measures neither one thing nor the other", fix)

    def _fault(self, place: tuple[str, int], key: str, what: str, fix: str) -> None:
        self.faults.append(Fault(self._lines.of(*place, key), what, fix))


def _wrong(name: str, value: Any) -> str:
    """Return what to write instead of `value`; empty when it can be."""
    if name in _NUMBERS:
        kind, low, high = _NUMBERS[name]
        fits = isinstance(value, int) or (kind is float and isinstance(value, float))
        if fits and not isinstance(value, bool) and low <= value <= high:
            return ""
        return f"Write a {'whole ' * (kind is int)}number from {low:g} to {high:g}"
    if name in _SWITCHES:
        return "" if isinstance(value, bool) else "Write true or false"
    if name in _WORDS:
        return "" if value in _WORDS[name] else f"Write one of {', '.join(_WORDS[name])}"
    if name in _TEXTS:
        fits = isinstance(value, str) and 0 < len(value) <= TEXT_MAX
        return "" if fits else f'Write a text, "…", of at most {TEXT_MAX} characters'
    return ""
