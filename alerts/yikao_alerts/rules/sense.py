"""Whether a rule can fire, whether somebody is told when it does, and whether it can be over.

A rule that can never fire, or that fires and tells nobody, is as much a fault as a missing number:
it would be believed to watch over somebody.
"""

from collections.abc import Iterator
from typing import Final

from yikao_alerts.limits import OPERATORS
from yikao_alerts.rules.build import NO_UNITS
from yikao_alerts.rules.draft import Entry
from yikao_alerts.rules.model import PAGING, SEVERITIES
from yikao_alerts.rules.sense_forms import Rule, Wrong, form_sense
from yikao_alerts.rules.vocabulary import TIMED_RECHECKS

WORKLIST: Final = "this_week"
CHAIN: Final = {"page_now": "chain_crisis", "today": "chain_today", "this_week": "chain_week"}
"""Whom a severity calls."""
JUST: Final = 1e-6
"""Nearer to a limit than any device can show."""
QUALITY_FORMS: Final = (
    "late_data",
    "clock_error",
    "unit_doubt",
    "other_person",
    "device_change",
    "targets",
)
_WITH_PROTOCOL: Final = (
    "flags",
    "with_symptoms",
    "alone_symptoms",
    "order",
    "quarantine",
)


def check_sense(entry: Entry, name: str) -> None:
    """Note what makes no sense in a rule whose keys are in order."""
    rule = entry.values
    form = rule.get("form", "on_reading")
    found = [
        *form_sense(rule, form),
        *_who_is_nobody(rule),
        *_untold(rule, form),
        *_endless(rule),
    ]
    found += [*_protocol(rule, form), *_upgrades(rule), *_downgrades(rule)]
    for wrong in found:
        entry.faults.add(entry.at(wrong.key), f"{name}: {wrong.what}", wrong.fix)


def _who_is_nobody(rule: Rule) -> Iterator[Wrong]:
    for key in ("who", "upgrades", "downgrades"):
        tables = [rule["who"]] if key == "who" and "who" in rule else rule.get(key, ())
        for table in tables:
            who = table if key == "who" else table.get("who", {})
            if is_nobody(who):
                yield Wrong(key, "who is nobody", "Mend the groups and ages: all of them hold")


def is_nobody(who: Rule) -> bool:
    """Return whether no resident can be one of them."""
    none = set(who.get("groups_none", ()))
    any_of = set(who.get("groups_any", ()))
    only_any = bool(any_of) and "or_age_at_least" not in who and any_of <= none
    ages = "age_at_least" in who and who.get("age_below", 999) <= who["age_at_least"]
    return bool(none & set(who.get("groups_all", ()))) or only_any or ages


def _untold(rule: Rule, form: str) -> Iterator[Wrong]:
    severity, called = rule["severity"], _called(rule)
    quality = rule.get("quarantine") or form in QUALITY_FORMS
    belongs = called or (severity == "info" and not quality)
    if quality and called:
        yield Wrong("severity", "data quality never pages", 'Write "technical", no upgrades')
    elif belongs is not ("family" in rule):
        fix = f"A family belongs to info, {WORKLIST}, {' and '.join(PAGING)}, never to data quality"
        yield Wrong("family", "severity and family disagree", fix)
    if severity in CHAIN and rule["addressee"] != CHAIN[severity]:
        fix = f'Write addressee = "{CHAIN[severity]}"'
        yield Wrong("addressee", f"{severity} does not call {rule['addressee']}", fix)
    asks = called or rule.get("ask_again") or "protocol" in rule
    if asks and not all(rule.get(key, "").strip() for key in ("patient_zh", "patient_en")):
        yield Wrong("", "nothing is said at home", "Write patient_zh and patient_en")


def _called(rule: Rule) -> bool:
    """Return whether somebody is called by it, or has it on a worklist."""
    return rule["severity"] in (*PAGING, WORKLIST) or "upgrades" in rule


def _endless(rule: Rule) -> Iterator[Wrong]:
    ends = [key for key in ("normal", "ends") if key in rule]
    if _called(rule) and not ends and not rule.get("human_only"):
        fix = "Write normal = {...}, ends = {...} or human_only = true"
        yield Wrong("", "how does it end?", fix)
    if len(ends) == 2:
        yield Wrong("ends", "it ends in two ways", "Write either normal or ends")
    if "normal" in rule:
        if rule.get("form", "on_reading") not in ("on_reading", "gain"):
            yield Wrong("normal", "normal is for what single readings begin", "Write ends = {...}")
        yield from _overlap(rule, "normal")
    if "ends" in rule:
        yield from _ends(rule["ends"], rule.get("form", "on_reading"))
        yield from _overlap(rule, "ends")


def _ends(ends: Rule, form: str) -> Iterator[Wrong]:
    if not any(ends.values()):
        yield Wrong("ends", "ends says nothing", "Write all, quiet_days or any_reading = true")
    if ends.keys() & {"all", "level_below"} and form != "mean":
        yield Wrong("ends", "only a mean ends by its mean", "Write quiet_days = 14")


def _overlap(rule: Rule, key: str) -> Iterator[Wrong]:
    """Yield where a value that just meets the rule would count as normal again."""
    for limit in rule.get("any", ()):
        back = [each for each in rule[key].get("all", ()) if each["field"] == limit.get("field")]
        if back and any(all(_met(other, *edge) for other in back) for edge in _edges(limit)):
            what = f"{limit['field']} is normal again while the rule is still met"
            yield Wrong(key, what, f"Move the limits of {key} away from the rule's")


def _edges(limit: Rule) -> Iterator[tuple[str, float]]:
    """Yield values, each with its unit, that only just meet a limit."""
    aside = {"ge": 0.0, "gt": JUST, "le": 0.0, "lt": -JUST}[limit["op"]]
    for unit in limit.keys() - set(NO_UNITS):
        yield unit, limit[unit] + aside
        if "below" in limit:
            yield unit, limit["below"][unit] - JUST


def _met(limit: Rule, unit: str, value: float) -> bool:
    return unit in limit and OPERATORS[limit["op"]](value, limit[unit])


def _protocol(rule: Rule, form: str) -> Iterator[Wrong]:
    if "protocol" not in rule:
        return
    extra = [key for key in _WITH_PROTOCOL if rule.get(key)]
    if extra or form != "on_reading" or not rule.get("any"):
        told = ", ".join(extra) or f"the form {form}"
        what = f"a protocol looks at limits, not at {told}"
        yield Wrong("protocol", what, "Make it a rule of its own")


def _upgrades(rule: Rule) -> Iterator[Wrong]:
    rank = SEVERITIES.index(rule["severity"])
    for upgrade in rule.get("upgrades", ()):
        wanted = upgrade.get("recheck")
        if SEVERITIES.index(upgrade["severity"]) <= rank:
            what = f"{upgrade['severity']} is no more than {rule['severity']}"
            yield Wrong("upgrades", what, "Write a higher severity")
        if not upgrade.keys() - {"severity", "minutes"}:
            fix = "Write symptoms, who, limits or recheck"
            yield Wrong("upgrades", "an upgrade without a condition", fix)
        if (wanted in TIMED_RECHECKS) is not ("minutes" in upgrade):
            fix = f"Write minutes beside recheck = {' or '.join(TIMED_RECHECKS)}, and only there"
            yield Wrong("upgrades", "minutes and recheck disagree", fix)
        if wanted in ("low_twice", "no_recheck") and "recheck" not in rule:
            yield Wrong("upgrades", "there is no re-check", 'Write recheck = "..." in the rule')


def _downgrades(rule: Rule) -> Iterator[Wrong]:
    rank = SEVERITIES.index(rule["severity"])
    for downgrade in rule.get("downgrades", ()):
        if SEVERITIES.index(downgrade["severity"]) >= rank:
            what = f"{downgrade['severity']} is no less than {rule['severity']}"
            yield Wrong("downgrades", what, "Write a lower severity")
        if not downgrade["who"].get("options_all"):
            fix = 'Write options_all = ["..."]: a doctor switches it on'
            yield Wrong("downgrades", "nobody has agreed to it", fix)
        if ("limits" in downgrade) is not ("within_h" in downgrade):
            yield Wrong("downgrades", "how old may the reading be?", "Write limits and within_h")
