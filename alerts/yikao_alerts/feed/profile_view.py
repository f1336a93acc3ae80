"""What is set for a resident, which targets follow from it, and whether a form may be saved.

A target comes from a doctor or from a template of the rule set (age, conditions); where it comes
from is always shown. A form with a fault saves nothing, and tells every fault at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from yikao_alerts.feed import show
from yikao_alerts.feed.care_rows import ProfileRow
from yikao_alerts.feed.care_writes import ProfileSet
from yikao_alerts.feed.words import Words
from yikao_alerts.resident import GROUPS, OPTIONS, TARGETS, Resident
from yikao_alerts.rules import RuleSet
from yikao_alerts.rules.model import Template
from yikao_alerts.targets import effective_targets, targets_with_source
from yikao_devices.symptoms import Words as Both

PRESSURE_GAP_MMHG: Final = 20.0
"""The least distance of the two pressure targets: less is a slip of the pen."""
NOTE_MAX: Final = 300
"""Letters."""
HEALTH: Final = frozenset({"health_good", "health_intermediate", "health_poor"})
DRUGS: Final = frozenset({"insulin", "sulfonylurea", "sglt2i", "type2"})
"""Groups that imply diabetes."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be set as a target; both ends are allowed."""

    low: float
    high: float
    unit: str


BOUNDS: Final[Mapping[str, Bounds]] = {
    "target_systolic_mmhg": Bounds(100, 180, "mmHg"),
    "target_diastolic_mmhg": Bounds(50, 110, "mmHg"),
    "target_fasting_mmol_l": Bounds(4.4, 12.0, "mmol/L"),
    "target_fasting_low_mmol_l": Bounds(4.0, 8.0, "mmol/L"),
    "target_after_meal_mmol_l": Bounds(6.0, 16.0, "mmol/L"),
    "target_bedtime_mmol_l": Bounds(5.0, 15.0, "mmol/L"),
    "target_bedtime_low_mmol_l": Bounds(4.0, 10.0, "mmol/L"),
    "spo2_min_pct": Bounds(80, 95, "%"),
    "pulse_min_bpm": Bounds(30, 60, "bpm"),
    "dry_weight_kg": Bounds(25, 250, "kg"),
}
"""D: wide enough for every resident a doctor looks after at home, narrow enough for slips."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target in force; `by_doctor`, else `template` names where it comes from."""

    code: str
    name: str
    value: str
    unit: str
    by_doctor: bool
    template: str


@dataclass(frozen=True, slots=True)
class Entered:
    """What stands in the form: targets by code and the note as text, and what it was begun from."""

    fields: Mapping[str, str]
    groups: Sequence[str]
    options: Sequence[str]
    based_on: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what was set over time."""

    row: ProfileRow
    what: str


def resident_of(birth_year: int | None, sex: str | None, profile: ProfileRow | None) -> Resident:
    """Return the resident as the rules know him, with the newest profile."""
    if profile is None:
        return Resident(birth_year, sex)
    return Resident(
        birth_year,
        sex,
        frozenset(profile.groups),
        dict(profile.targets),
        frozenset(profile.options),
    )


def entered_of(newest: ProfileRow | None) -> Entered:
    """Return what a form begins with: what is in force."""
    if newest is None:
        return Entered({}, (), (), "")
    numbers = {code: show.number(value) for code, value in newest.targets.items()}
    return Entered(numbers, newest.groups, newest.options, str(newest.profile_id))


def targets_of(resident: Resident, rules: RuleSet, day: date, words: Words) -> list[Target]:
    """Return the targets in force on `day`, in the order of `TARGETS`, each with its origin."""
    order = list(TARGETS)
    found = targets_with_source(resident, rules, day)
    return [
        Target(
            target.name,
            _word(TARGETS, target.name, words),
            show.number(target.value),
            BOUNDS[target.name].unit if target.name in BOUNDS else "",
            target.template is None,
            _template_name(target.template, words.language),
        )
        for target in sorted(found, key=lambda target: order.index(target.name))
    ]


def _template_name(template: Template | None, language: str) -> str:
    if template is None:
        return ""
    return template.name_zh if language == "zh" else template.name_en


def home_band(resident: Resident, rules: RuleSet, day: date) -> tuple[float, float] | None:
    """Return the resident's own home targets, diastolic and systolic, None without both."""
    targets = effective_targets(resident, rules, day)
    lower, upper = targets.get("target_diastolic_mmhg"), targets.get("target_systolic_mmhg")
    return None if lower is None or upper is None else (lower, upper)


def parse_profile(
    fields: Mapping[str, str], groups: Sequence[str], options: Sequence[str], words: Words
) -> ProfileSet | list[str]:
    """Return what a form sets, or all its faults as sentences. `fields`: targets by code, note."""
    faults = [words("profile_fault.unknown_group", code=g) for g in groups if g not in GROUPS]
    faults += [words("profile_fault.unknown_option", code=o) for o in options if o not in OPTIONS]
    if len(HEALTH & set(options)) > 1:
        faults.append(words("profile_fault.health_once"))
    if DRUGS & set(groups) and "diabetes" not in groups:
        faults.append(words("profile_fault.drug_without_diabetes"))
    targets: dict[str, float] = {}
    for code in BOUNDS:
        faults += _read_target(code, fields.get(code, "").strip(), targets, words)
    faults += _pressure_fault(targets, words)
    note = fields.get("note", "").strip()
    if len(note) > NOTE_MAX:
        faults.append(words("profile_fault.note_long", letters=NOTE_MAX))
    return faults or ProfileSet(sorted(set(groups)), targets, sorted(set(options)), note)


def _read_target(code: str, text: str, targets: dict[str, float], words: Words) -> list[str]:
    if not text:
        return []
    name, bounds = _word(TARGETS, code, words), BOUNDS[code]
    try:
        value = float(text.replace(",", ".").replace("。", "."))
    except ValueError:
        return [words("profile_fault.not_a_number", name=name)]
    if not bounds.low <= value <= bounds.high:
        low, high = show.number(bounds.low), show.number(bounds.high)
        return [
            words(
                "profile_fault.outside", name=name, value=text, low=low, high=high, unit=bounds.unit
            )
        ]
    targets[code] = value
    return []


def _pressure_fault(targets: Mapping[str, float], words: Words) -> list[str]:
    upper, lower = (targets.get(f"target_{name}_mmhg") for name in ("systolic", "diastolic"))
    if upper is None or lower is None or upper - lower >= PRESSURE_GAP_MMHG:
        return []
    return [words("profile_fault.order", gap=f"{PRESSURE_GAP_MMHG:g}")]


def lines_of(rows: Sequence[ProfileRow], words: Words) -> list[Line]:
    """Return what was set over time in words, the newest first."""
    return [Line(row, _what(row, words)) for row in rows]


def _what(row: ProfileRow, words: Words) -> str:
    parts = [_word(GROUPS, code, words) for code in row.groups]
    parts += [target_text(code, value, words) for code, value in row.targets.items()]
    parts += [_word(OPTIONS, code, words) for code in row.options]
    return words("list.comma").join(parts) or words("profile.cleared")


def target_text(code: str, value: float, words: Words) -> str:
    """Return a target in words, with its unit."""
    unit = f" {BOUNDS[code].unit}" if code in BOUNDS else ""
    return f"{_word(TARGETS, code, words)} {show.number(value)}{unit}"


def group_words(codes: Sequence[str], words: Words) -> list[str]:
    """Return groups in words, in the order in which forms list them."""
    known = [code for code in GROUPS if code in codes]
    return [_word(GROUPS, code, words) for code in known]


def _word(table: Mapping[str, Both], code: str, words: Words) -> str:
    both = table.get(code)
    if both is None:
        return code
    return both.zh if words.language == "zh" else both.en
