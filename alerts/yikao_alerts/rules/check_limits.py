"""Whether the numbers of a rule set are numbers a device can reach, in each unit it may speak.

A limit that stands in two units has to be the same in both: 42 kPa for 180 mmHg would be silent for
every cuff that speaks kPa.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from yikao_alerts.contexts import GLUCOSE_CONTEXTS, PRESSURE_CONTEXTS
from yikao_alerts.history import BLOOD_PRESSURE, CGM, FIELDS, GLUCOSE, PULSE_UNIT, UNITS
from yikao_alerts.limits import OPERATORS, PULSE_PRESSURE, TARGET_UNITS
from yikao_alerts.resident import TARGETS
from yikao_alerts.rules.build import NO_UNITS
from yikao_alerts.rules.draft import Entry
from yikao_alerts.rules.keys import Key, number, several_of
from yikao_alerts.rules.model import ANY_KIND

_VALUE: Final = number(-1000, 1000)
CONVERTED: Final = {("mmHg", "kPa"): (0.133322, 0.1), ("mmol/L", "mg/dL"): (18.0182, 1.5)}
"""Factor from the first unit to the second, and how far rounding may carry a number apart."""
CONTEXTS_OF: Final[Mapping[str, Iterable[str]]] = {
    BLOOD_PRESSURE: PRESSURE_CONTEXTS,
    GLUCOSE: GLUCOSE_CONTEXTS,
    CGM: (),
}
"""How a reading of each kind may have been taken; of other kinds nobody says it."""


def fields_of(kind: str) -> tuple[str, ...]:
    """Return the fields that a limit of a kind may name."""
    if kind == ANY_KIND:
        return ()
    return (*FIELDS[kind], PULSE_PRESSURE) if kind == BLOOD_PRESSURE else FIELDS[kind]


def units_of(kind: str, field: str) -> tuple[str, ...]:
    """Return the units in which a device may send a field."""
    return (PULSE_UNIT,) if field == "pulse" else UNITS[kind]


def check_limits(entry: Entry, name: str, kind: str, limits: Any, key: str) -> bool:
    """Note what is wrong with limits that stand under `key`; return whether nothing is."""
    before = len(entry.faults.found)
    for limit in limits:
        _check_limit(entry, name, kind, limit, key)
    return len(entry.faults.found) == before


def _check_limit(entry: Entry, name: str, kind: str, limit: Mapping[str, Any], key: str) -> None:
    field, op = limit.get("field"), limit.get("op")
    if field not in fields_of(kind) or op not in tuple(OPERATORS):
        known = ", ".join(fields_of(kind)) or "none"
        what = f"{name}: limit on {field!r} with {op!r}"
        fix = f"Fields are {known}; op is one of {', '.join(OPERATORS)}"
        entry.faults.add(entry.at(key), what, fix)
        return
    units = units_of(kind, field)
    _check_target(entry, name, limit, key, units)
    values = {unit: limit[unit] for unit in limit if unit not in NO_UNITS}
    own_only = not values and "target" in limit and "below" not in limit
    good = own_only or _check_numbers(entry, name, field, values, key, units)
    if "below" in limit and _check_numbers(entry, name, field, limit["below"], key, units) and good:
        _check_band(entry, name, op, values, limit["below"], key)
    if "contexts" in limit:
        rule = contexts_key(kind)
        if not rule.fits(limit["contexts"]):
            what = f"{name}: contexts cannot be {limit['contexts']!r}"
            entry.faults.add(entry.at(key), what, rule.fix)


def contexts_key(kind: str) -> Key:
    """Return the key for how readings of a kind were taken."""
    return several_of(sorted(CONTEXTS_OF.get(kind, ())))


def _check_numbers(
    entry: Entry, name: str, field: str, values: Any, key: str, units: tuple[str, ...]
) -> bool:
    fits = isinstance(values, dict) and set(values) == set(units)
    if not fits or not all(_VALUE.fits(value) for value in values.values()):
        what = f"{name}: limit on {field} is {values!r}"
        entry.faults.add(entry.at(key), what, f"{_VALUE.fix} for each of {', '.join(units)}")
        return False
    if units in CONVERTED:
        factor, apart = CONVERTED[units]
        expected = values[units[0]] * factor
        if abs(values[units[1]] - expected) > apart:
            what = f"{name}: limit on {field}: {values!r} are not the same"
            fix = f"{values[units[0]]:g} {units[0]} are {expected:.4g} {units[1]}"
            entry.faults.add(entry.at(key), what, fix)
            return False
    return True


def _check_target(
    entry: Entry, name: str, limit: Mapping[str, Any], key: str, units: tuple[str, ...]
) -> None:
    target = limit.get("target")
    if "margin" in limit and (target is None or not _VALUE.fits(limit["margin"])):
        what = f"{name}: margin cannot be {limit['margin']!r}"
        entry.faults.add(entry.at(key), what, "Write a number, beside a target")
    if target is None:
        return
    known = [each for each in TARGETS if set(_target_units(each)) == set(units)]
    if target not in known:
        what = f"{name}: target cannot be {target!r}"
        entry.faults.add(entry.at(key), what, f"Write one of {', '.join(known) or 'none'}")


def _target_units(target: str) -> Mapping[str, Any]:
    return next(TARGET_UNITS[each] for each in TARGET_UNITS if target.endswith(f"_{each}"))


def _check_band(
    entry: Entry, name: str, op: str, values: Mapping[str, Any], below: Mapping[str, Any], key: str
) -> None:
    if op not in ("ge", "gt") or any(below[unit] <= values[unit] for unit in below):
        what = f"{name}: the band from {values!r} below {dict(below)!r} is upside down"
        entry.faults.add(entry.at(key), what, "Write ge or gt with the lower edge, below the upper")
