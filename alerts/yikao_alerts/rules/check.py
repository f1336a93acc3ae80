"""What may stand in a rule file: each key, and what makes sense together.

A rule that can never fire, or that fires and tells nobody, is as much a fault as a missing number:
it would be believed to watch over somebody.
"""

from collections.abc import Mapping
from typing import Any, Final

from yikao_alerts.history import BLOOD_PRESSURE, FIELDS, PULSE_UNIT, UNITS
from yikao_alerts.limits import OPERATORS
from yikao_alerts.rules.keys import (
    Faults,
    Key,
    number,
    one_of,
    several_of,
    switch,
    table,
    tables,
    text,
    whole,
)
from yikao_alerts.rules.model import ANY_KIND, PAGING, SEVERITIES
from yikao_devices.blood_pressure import Status
from yikao_devices.clocks import CLOCK_ERROR
from yikao_devices.glucose import SensorStatus
from yikao_devices.symptoms import NONE, SYMPTOMS
from yikao_devices.toml_lines import Fault, Lines
from yikao_devices.wire import TEXT_MAX

FAMILIES: Final = ("bp_high", "glucose_low", "glucose_high")
STATISTICS: Final = ("mean_of_two_or_three", "second")
EVIDENCE: Final = ("V", "M", "D")
FLAGS: Final = (
    "hi",
    "lo",
    CLOCK_ERROR,
    *(str(flag.name).lower() for flag in (*Status, *SensorStatus) if "TOO_" not in str(flag.name)),
)
"""What a reading may be marked with: a meter's limits, a wrong clock, the status bits."""
BOUNDS: Final = {"below": "lt", "at_least": "ge"}
"""How the limits of `normal` are written, FIELD_below and FIELD_at_least, and what they mean."""

_VALUE: Final = number(0, 1000)
_SYMPTOMS: Final = several_of(sorted(SYMPTOMS - {NONE})).optional
_SAID: Final = Key(
    lambda value: isinstance(value, str) and len(value) <= TEXT_MAX,
    f"Write a text of up to {TEXT_MAX} characters: a gateway takes no more",
    needed=False,
)
_FILE: Final = {
    "version": text(),
    "profile": text(),
    "late": table(),
    "protocol": table().optional,
    "rule": tables(),
}
_LATE: Final = {
    "late_min": number(1, 24 * 60),
    "call_h": number(0.1, 24),
    "information_h": number(0.1, 30 * 24),
    "source": text(),
}
_PROTOCOL: Final = {
    "window_min": number(1, 120),
    "gap_s": number(1, 3600),
    "differ_mmhg": number(1, 100).optional,
    "statistic": one_of(STATISTICS),
    "source": text(),
}
_RULE: Final[Mapping[str, Key]] = {
    "id": text(),
    "family": one_of(FAMILIES).optional,
    "kind": one_of((*FIELDS, ANY_KIND)),
    "severity": one_of(SEVERITIES),
    "level": whole(0, 99),
    "any": tables().optional,
    "flags": several_of(FLAGS).optional,
    "unless_flags": several_of(FLAGS).optional,
    "with_symptoms": _SYMPTOMS,
    "alone_symptoms": _SYMPTOMS,
    "order": several_of(field for fields in FIELDS.values() for field in fields).optional,
    "protocol": text().optional,
    "normal": table().optional,
    "ask_again": switch(),
    "quarantine": switch(),
    "late": switch(),
    "human_only": switch(),
    "name_zh": text(),
    "name_en": text(),
    "patient_zh": _SAID,
    "patient_en": _SAID,
    "source": text(),
    "evidence": one_of(EVIDENCE),
}
_CONDITIONS: Final = ("any", "flags", "alone_symptoms", "order", "late")
_CONDITIONS_FIX: Final = f"Write at least one of {', '.join(_CONDITIONS)}"
_FAMILY_FIX: Final = f"A family belongs to the severities {' and '.join(PAGING)}, and to no other"
_WITH_PROTOCOL: Final = ("flags", "with_symptoms", "alone_symptoms", "order", "quarantine", "late")
_NORMAL: Final = {"rounds": whole(1, 10), "apart_min": number(0, 24 * 60)}

Rule = Mapping[str, Any]


def faults_of(values: Mapping[str, Any], lines: Lines) -> list[Fault]:
    """Return everything that is wrong with a rule file; what has no fault can be built."""
    faults = Faults(lines)
    if not faults.check(values, _FILE, ("", 0), "file"):
        return faults.found
    _check_late(faults, values["late"])
    protocols = values.get("protocol", {})
    for name, entry in protocols.items():
        if not isinstance(entry, dict):
            faults.add(("protocol", 0, name), f"{name}: no protocol", f"Write [protocol.{name}]")
            continue
        faults.check(entry, _PROTOCOL, (f"protocol.{name}", 0), name)
    seen: set[tuple[str, str]] = set()
    for index, rule in enumerate(values["rule"]):
        if faults.check(rule, _RULE, ("rule", index), str(rule.get("id", f"rule {index + 1}"))):
            _check_numbers(faults, index, rule)
            _check_sense(faults, index, rule)
            _check_protocol(faults, index, rule, protocols)
            if (identity := (rule["id"], rule["kind"])) in seen:
                what = f"{rule['id']}: there twice for {rule['kind']}"
                faults.add(("rule", index, "id"), what, "Give it an id of its own")
            seen.add(identity)
    return faults.found


def units_of(kind: str, field: str) -> tuple[str, ...]:
    """Return the units in which a device may send a field."""
    return (PULSE_UNIT,) if field == "pulse" else UNITS[kind]


def _check_late(faults: Faults, late: Mapping[str, Any]) -> None:
    if faults.check(late, _LATE, ("late", 0), "late") and not (
        late["late_min"] / 60 <= late["call_h"] <= late["information_h"]
    ):
        what = "late: the times do not rise"
        faults.add(("late", 0, ""), what, "Write late_min, call_h, information_h, each longer")


def _check_numbers(faults: Faults, index: int, rule: Rule) -> None:
    """Check each limit, and what is normal again."""
    for entry in rule.get("any", ()):
        field, place = entry.get("field"), ("rule", index, "any")
        if field not in FIELDS.get(rule["kind"], ()) or entry.get("op") not in OPERATORS:
            known = ", ".join(FIELDS.get(rule["kind"], ())) or "none"
            what = f"{rule['id']}: limit on {field!r} with {entry.get('op')!r}"
            faults.add(place, what, f"Fields are {known}; op is one of {', '.join(OPERATORS)}")
            continue
        values = {unit: entry[unit] for unit in entry if unit not in ("field", "op")}
        _check_units(faults, place, rule, field, values)
    if "normal" not in rule:
        return
    normal = dict(rule["normal"])
    place = ("rule", index, "normal")
    limits = {key: normal.pop(key) for key in list(normal) if key not in _NORMAL}
    faults.check(normal, _NORMAL, place[:2], f"{rule['id']}: normal", inside="normal")
    for key, values in limits.items():
        field, _, bound = key.partition("_")
        if field not in FIELDS.get(rule["kind"], ()) or bound not in BOUNDS:
            what = f"{rule['id']}: normal: unknown key {key}"
            faults.add(place, what, "Write FIELD_below or FIELD_at_least")
            continue
        _check_units(faults, place, rule, field, values)
    if not limits:
        faults.add(place, f"{rule['id']}: normal has no limit", "Write FIELD_below = { ... }")


def _check_units(
    faults: Faults, place: tuple[str, int, str], rule: Rule, field: str, values: Any
) -> None:
    units = units_of(rule["kind"], field)
    fits = isinstance(values, dict) and set(values) == set(units)
    if not fits or not all(_VALUE.fits(value) for value in values.values()):
        what = f"{rule['id']}: limit on {field} is {values!r}"
        faults.add(place, what, f"{_VALUE.fix} for each of {', '.join(units)}")


def _check_sense(faults: Faults, index: int, rule: Rule) -> None:
    """Check that a rule can fire, and that somebody is told when it does."""
    pages = rule["severity"] in PAGING
    asks = pages or rule.get("ask_again")
    said = all(rule.get(key, "").strip() for key in ("patient_zh", "patient_en"))
    ends = ("normal" in rule) is not bool(rule.get("human_only"))
    quality = rule.get("quarantine") or rule.get("late")
    for wrong, key, what, fix in (
        (not any(rule.get(each) for each in _CONDITIONS), "", "it can never fire", _CONDITIONS_FIX),
        (
            not _orders(rule),
            "order",
            "order is not two fields of its kind",
            'Write ["low", "high"]',
        ),
        (
            pages is not ("family" in rule),
            "family",
            "severity and family disagree",
            _FAMILY_FIX,
        ),
        (pages and quality, "severity", "data quality never pages", 'Write "technical"'),
        (pages and not ends, "", "how does it end?", "Write normal = {...} or human_only = true"),
        (asks and not said, "", "nothing is said at home", "Write patient_zh and patient_en"),
    ):
        if wrong:
            faults.add(("rule", index, key), f"{rule['id']}: {what}", fix)


def _orders(rule: Rule) -> bool:
    fields = set(FIELDS.get(rule["kind"], ()))
    return "order" not in rule or (len(rule["order"]) == 2 and set(rule["order"]) <= fields)


def _check_protocol(faults: Faults, index: int, rule: Rule, protocols: Mapping[str, Any]) -> None:
    if "protocol" not in rule:
        return
    place, name = ("rule", index, "protocol"), rule["protocol"]
    if name not in protocols:
        fix = f"Write one of {', '.join(protocols)}, or a [protocol.{name}]"
        faults.add(place, f"{rule['id']}: there is no protocol {name!r}", fix)
        return
    if extra := [key for key in _WITH_PROTOCOL if rule.get(key)]:
        what = f"{rule['id']}: a protocol looks at limits, not at {', '.join(extra)}"
        faults.add(place, what, "Make it a rule of its own")
    compares = isinstance(protocols[name], dict) and "differ_mmhg" in protocols[name]
    if compares and rule["kind"] != BLOOD_PRESSURE:
        what = f"{rule['id']}: {name} compares pressures"
        faults.add(place, what, "Take another protocol")
