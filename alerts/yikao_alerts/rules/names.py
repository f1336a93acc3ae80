"""Whether the tables of a rule set fit together: names lead somewhere, no rule hides another."""

from collections.abc import Iterable, Mapping
from typing import Any

from yikao_alerts.history import BLOOD_PRESSURE
from yikao_alerts.rules.build import NO_UNITS
from yikao_alerts.rules.draft import Draft, Entry
from yikao_alerts.rules.sense import is_nobody
from yikao_devices.toml_lines import Fault


def check_names(draft: Draft) -> list[Fault]:
    """Return what does not fit together, in a set whose tables are in order by themselves."""
    for entry in draft.rules.values():
        _check_rule(entry, draft)
    for entry in draft.entries("recheck").values():
        _check_recheck(entry)
        if "statistic" in entry.values:
            _known(entry, "statistic", draft.entries("protocol"), "protocol")
    ids = {rule_id for rule_id, _ in draft.rules}
    for name, entry in draft.entries("template").items():
        _check_template(entry, name, ids)
    for section in ("suppress", "late"):
        entry = draft.entries(section)[""]
        for wanted in set(entry.values.get("never", ())) - ids:
            fix = "Write the id of a rule of this set"
            entry.faults.add(entry.at("never"), f"{section}: there is no rule {wanted}", fix)
    _check_levels(draft)
    _check_reach(draft)
    return draft.found


def _known(entry: Entry, key: str, known: Iterable[str], section: str = "") -> None:
    wanted, section = entry.values[key], section or key
    if wanted not in known:
        fix = f"Write one of {', '.join(known) or 'none'}, or a [{section}.{wanted}]"
        entry.faults.add(entry.at(key), f"{entry.name}: there is no {section} {wanted!r}", fix)


def _check_rule(entry: Entry, draft: Draft) -> None:
    """Check that what a rule uses is there, for its kind, and complete."""
    rule = entry.values
    for key in ("protocol", "recheck", "average"):
        if key in rule:
            _known(entry, key, draft.entries(key))
    protocol = draft.tables("protocol").get(rule.get("protocol", ""), {})
    if "differ_mmhg" in protocol and rule["kind"] != BLOOD_PRESSURE:
        what = f"{entry.name}: {rule['protocol']} compares pressures"
        entry.faults.add(entry.at("protocol"), what, "Take another protocol")
    recheck = draft.tables("recheck").get(rule.get("recheck", ""), {})
    if recheck and recheck["kind"] != rule["kind"]:
        what = f"{entry.name}: {rule['recheck']} measures {recheck['kind']}"
        entry.faults.add(entry.at("recheck"), what, "Take another re-check")
    average = draft.tables("average").get(rule.get("average", ""), {})
    whole: Mapping[str, Any] = {**average, **rule}
    if rule.get("form") == "mean" and whole.get("min_mornings", 1) > whole.get("days", 366):
        entry.faults.add(
            entry.at("min_mornings"), f"{entry.name}: too many mornings", "Write fewer"
        )


def _check_recheck(entry: Entry) -> None:
    """Check that the rounds of a re-check can settle it, and that what is counted is said."""
    recheck = entry.values
    for key in ("resolve_rounds", "downgrade_rounds", "still_rounds"):
        if recheck.get(key, 1) > recheck["rounds_max"]:
            what = f"{entry.name}: {key} is more than rounds_max"
            entry.faults.add(entry.at(key), what, "Write fewer")
    for key, counts in (
        ("downgrade", ("downgrade_rounds",)),
        ("still", ("still_after_min", "still_rounds")),
    ):
        if (key in recheck) is not any(count in recheck for count in counts):
            fix = f"Write {' or '.join(counts)} beside {key}, and only there"
            entry.faults.add(entry.at(key), f"{entry.name}: {key} after how long?", fix)


def _check_template(entry: Entry, name: str, ids: Iterable[str]) -> None:
    if entry.values["rule_id"] not in ids:
        what = f"{name}: there is no rule {entry.values['rule_id']}"
        entry.faults.add(entry.at("rule_id"), what, "Write the id of a rule of this set")
    if not entry.values["targets"]:
        entry.faults.add(entry.at("targets"), f"{name}: no targets", "Write target_... = number")
    if is_nobody(entry.values["who"]):
        fix = "Mend the groups and ages: all of them hold"
        entry.faults.add(entry.at("who"), f"{name}: who is nobody", fix)


def _check_levels(draft: Draft) -> None:
    """Check that of two rules of one family it is known which is worse."""
    seen: dict[tuple[str, int], str] = {}
    for (rule_id, _), entry in draft.rules.items():
        if "family" not in entry.values:
            continue
        place = (entry.values["family"], entry.values["level"])
        if seen.setdefault(place, rule_id) != rule_id:
            what = f"{rule_id}: {seen[place]} has the same family and level"
            entry.faults.add(entry.at("level"), what, "Say which is worse by its level")


def _check_reach(draft: Draft) -> None:
    """Check that no limit lies where quarantine keeps every reading from the rule."""
    kept = [
        (entry.values["kind"], limit)
        for entry in draft.rules.values()
        if entry.values.get("quarantine")
        for limit in entry.values.get("any", ())
    ]
    for entry in draft.rules.values():
        if entry.values.get("quarantine") or entry.values.get("form", "on_reading") != "on_reading":
            continue
        for limit in entry.values.get("any", ()):
            if any(kind == entry.values["kind"] and _hides(other, limit) for kind, other in kept):
                what = f"{entry.name}: only implausible readings reach its {limit['field']}"
                entry.faults.add(entry.at("any"), what, "Move it, or the bounds of plausibility")


def _hides(kept: Mapping[str, Any], limit: Mapping[str, Any]) -> bool:
    """Return whether whatever reaches `limit` is quarantined by `kept`, in some unit."""
    if kept["field"] != limit["field"]:
        return False
    units = (limit.keys() & kept.keys()) - set(NO_UNITS)
    for op in (("ge", "gt"), ("le", "lt")):
        if limit["op"] in op and kept["op"] in op:
            sign = 1 if op[0] == "ge" else -1
            return any(sign * limit[unit] > sign * kept[unit] for unit in units)
    return False
