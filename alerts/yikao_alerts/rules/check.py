"""What may stand in a rule set: each table, each key, each number; a set is refused as a whole.

Whether what is said makes sense, for a rule (`sense.py`) and between tables (`names.py`), is looked
at once every key is in order.
"""

from collections.abc import Mapping
from typing import Any, Final

from yikao_alerts.history import FIELDS
from yikao_alerts.rules import vocabulary
from yikao_alerts.rules.check_limits import check_limits, contexts_key
from yikao_alerts.rules.draft import Draft, Entry
from yikao_alerts.rules.keys import Key
from yikao_alerts.rules.names import check_names
from yikao_alerts.rules.sense import check_sense
from yikao_devices.toml_lines import Fault

_SECTIONS: Final = {
    "late": vocabulary.LATE,
    "suppress": vocabulary.SUPPRESS,
    "protocol": vocabulary.PROTOCOL,
    "recheck": vocabulary.RECHECK,
    "average": vocabulary.AVERAGE,
    "template": vocabulary.TEMPLATE,
}
_RECHECK_LIMITS: Final = ("resolve", "resolve_once", "downgrade", "escalate", "still")
_WITHOUT_LIMITS: Final = {"share": vocabulary.PORTION, "unit_doubt": vocabulary.DOUBT}
"""Forms whose `any` holds no limits, and what it holds."""


def faults_of(draft: Draft) -> list[Fault]:
    """Return everything that is wrong with the tables of a set; what has no fault can be built."""
    for key, needed in vocabulary.TOP.items():
        if not draft.has(key):
            draft.found.append(Fault(0, f"file: {key} is missing", needed.fix))
    for section, keys in _SECTIONS.items():
        for name, entry in draft.entries(section).items():
            _check_section(entry, section, name or section, keys)
    for entry in draft.rules.values():
        if _check_rule(entry, entry.name):
            check_sense(entry, entry.name)
    return draft.found or check_names(draft)


def _check_section(entry: Entry, section: str, name: str, keys: Mapping[str, Key]) -> None:
    good = entry.faults.check(entry.values, keys, entry.place, name)
    if not good:
        return
    match section:
        case "late":
            _check_late(entry)
        case "recheck":
            for key in _RECHECK_LIMITS:
                limits = entry.values.get(key, ())
                check_limits(entry, name, entry.values["kind"], limits, key)
        case "template":
            _inside(entry, name, "who", entry.values["who"], vocabulary.WHO)
            _inside(entry, name, "targets", entry.values["targets"], vocabulary.TARGET)


def _check_late(entry: Entry) -> None:
    late = entry.values
    if not late["late_min"] / 60 <= late["call_h"] <= late["information_h"]:
        fix = "Write late_min, call_h, information_h, each longer"
        entry.faults.add(entry.at(), "late: the times do not rise", fix)


def _check_rule(entry: Entry, name: str) -> bool:
    """Note what is wrong with the keys and numbers of a rule; return whether nothing is."""
    rule, before = entry.values, len(entry.faults.found)
    form = str(rule.get("form", "on_reading"))
    keys = {**vocabulary.RULE, **vocabulary.FORM_KEYS.get(form, {})}
    if not entry.faults.check(rule, keys, entry.place, name):
        return False
    for key, inner in (
        ("who", vocabulary.WHO),
        ("normal", vocabulary.NORMAL),
        ("ends", vocabulary.ENDS),
    ):
        if key in rule and _inside(entry, name, key, rule[key], inner):
            check_limits(entry, f"{name}: {key}", rule["kind"], rule[key].get("all", ()), key)
    for key, inner in (
        ("times", vocabulary.TIMES),
        ("upgrades", vocabulary.UPGRADE),
        ("downgrades", vocabulary.DOWNGRADE),
    ):
        for table in rule.get(key, ()):
            _check_inner(entry, name, key, table, inner)
    _check_form(entry, name, form)
    return len(entry.faults.found) == before


def _inside(
    entry: Entry, name: str, key: str, table: Mapping[str, Any], keys: Mapping[str, Key]
) -> bool:
    return entry.faults.check(table, keys, entry.place, f"{name}: {key}", inside=key)


def _check_inner(
    entry: Entry, name: str, key: str, table: Mapping[str, Any], keys: Mapping[str, Key]
) -> None:
    """Check a table of a list within a rule, whom it is for, and its limits."""
    if not _inside(entry, name, key, table, keys):
        return
    if "who" in table:
        _inside(entry, f"{name}: {key}", key, table["who"], vocabulary.WHO)
    for limit in table.get("limits", ()):
        # A downgrade looks at a reading of another kind, which the field tells.
        kinds = [entry.values["kind"]] if key == "upgrades" else _kinds_with(limit.get("field"))
        check_limits(entry, f"{name}: {key}", kinds[0], [limit], key)


def _kinds_with(field: Any) -> list[str]:
    return [kind for kind, fields in FIELDS.items() if field in fields] or list(FIELDS)


def _check_form(entry: Entry, name: str, form: str) -> None:
    rule = entry.values
    if form in _WITHOUT_LIMITS:
        for table in rule["any"]:
            if _inside(entry, name, "any", table, _WITHOUT_LIMITS[form]):
                check_limits(entry, name, rule["kind"], table.get("all", ()), "any")
        return
    for key in ("any", "and_all"):
        check_limits(entry, name, rule["kind"], rule.get(key, ()), key)
    check_limits(entry, name, rule["kind"], [rule["mean7"]] if "mean7" in rule else (), "mean7")
    for key in ("contexts", "before", "after"):
        wanted = contexts_key(rule["kind"])
        if key in rule and not wanted.fits(rule[key]):
            what = f"{name}: {key} cannot be {rule[key]!r} for {rule['kind']}"
            entry.faults.add(entry.at(key), what, wanted.fix)
