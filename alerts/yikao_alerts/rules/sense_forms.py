"""Whether what a rule looks for can be met at all, form by form."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from yikao_alerts.history import FIELDS
from yikao_alerts.rules.forms import IN_SESSION
from yikao_alerts.rules.model import ANY_KIND

KINDS_OF_FORM: Final = {
    "drop": ("blood_pressure",),
    "gain": ("weight",),
    "spread": ("blood_pressure",),
    "change": ("blood_pressure", "glucose"),
    "share": ("cgm",),
    "other_person": ("blood_pressure",),
    "unit_doubt": ("blood_pressure", "glucose"),
    "silence": (ANY_KIND,),
    "late_data": (ANY_KIND,),
    "clock_error": (ANY_KIND,),
    "device_change": (ANY_KIND,),
}
"""What a form looks at, where it is not everything."""
CONDITIONS: Final = ("any", "flags", "alone_symptoms", "order")
NEEDS_READING: Final = ("any", "flags", "order")

Rule = Mapping[str, Any]


class Wrong(NamedTuple):
    """What is wrong, at which key of the rule, and how to mend it."""

    key: str
    what: str
    fix: str


def form_sense(rule: Rule, form: str) -> Iterator[Wrong]:
    """Yield why a rule whose keys are in order could never be met."""
    kinds = KINDS_OF_FORM.get(form, (rule["kind"],))
    if rule["kind"] not in kinds:
        what = f"form {form} does not look at {rule['kind']}"
        yield Wrong("kind", what, f"Write one of {', '.join(kinds)}")
    elif form in _SENSE:
        yield from _SENSE[form](rule)


def _on_reading(rule: Rule) -> Iterator[Wrong]:
    if not any(rule.get(key) for key in CONDITIONS):
        fix = f"Write at least one of {', '.join(CONDITIONS)}"
        yield Wrong("", "it can never fire", fix)
    if rule.get("with_symptoms") and not any(rule.get(key) for key in NEEDS_READING):
        fix = "Write limits beside them, or alone_symptoms"
        yield Wrong("with_symptoms", "symptoms beside no limit can never fire", fix)
    if set(rule.get("flags", ())) & set(rule.get("unless_flags", ())):
        yield Wrong("unless_flags", "a flag is asked for and forbidden", "Name it once")
    fields = set(FIELDS.get(rule["kind"], ()))
    if "order" in rule and not (len(rule["order"]) == 2 and set(rule["order"]) <= fields):
        yield Wrong("order", "order is not two fields of its kind", 'Write ["low", "high"]')
    for times in rule.get("times", ()):
        yield from _times(times)
    if rule.get("times") and (rule.get("alone_symptoms") or rule.get("quarantine")):
        yield Wrong("times", "only readings are counted", "Make it a rule of its own")


def _times(times: Rule) -> Iterator[Wrong]:
    if times["of"] == IN_SESSION:
        if times.keys() & {"within_h", "apart_h"}:
            yield Wrong("times", "a session has its own length", "Leave within_h and apart_h out")
    elif "within_h" not in times:
        yield Wrong("times", "within which time?", "Write within_h = hours")
    elif (times["count"] - 1) * times.get("apart_h", 0) > times["within_h"]:
        what = f"{times['count']} so far apart are never within {times['within_h']:g} h"
        yield Wrong("times", what, "Make within_h longer, or apart_h shorter")


def _mean(rule: Rule) -> Iterator[Wrong]:
    if "days" not in rule and "average" not in rule:
        yield Wrong("", "a mean of how many days?", "Write days or average")
    for key in ("min_days", "min_mornings"):
        if "days" in rule and rule.get(key, 1) > rule["days"]:
            yield Wrong(key, f"{key} is more than days", "Write fewer")
    if ("and_part" in rule) is not ("and_all" in rule):
        yield Wrong("and_part", "one of and_part, and_all alone", "Write both")


def _spread(rule: Rule) -> Iterator[Wrong]:
    if rule["min_days"] > rule["days"] or rule["min_span"] > rule["days"]:
        yield Wrong("days", "min_days or min_span is more than days", "Write fewer")


def _change(rule: Rule) -> Iterator[Wrong]:
    if not {"up": rule["shift"] > 0, "down": rule["shift"] < 0}[rule["direction"]]:
        yield Wrong("shift", "shift and direction disagree", "Up is above 0, down below")
    if rule["signal"] not in FIELDS[rule["kind"]]:
        yield Wrong("signal", f"{rule['kind']} has no {rule['signal']}", "Mend kind or signal")


def _silence(rule: Rule) -> Iterator[Wrong]:
    if rule["remind_days"] >= rule["days"]:
        yield Wrong("days", "told before the reminder", "Write more days than remind_days")


def _unit_doubt(rule: Rule) -> Iterator[Wrong]:
    for doubt in rule["any"]:
        if doubt["low"] > doubt["high"]:
            yield Wrong("any", "low is above high", "Write low, then high")
        if doubt["field"] not in FIELDS[rule["kind"]]:
            fix = f"Fields are {', '.join(FIELDS[rule['kind']])}"
            yield Wrong("any", f"{rule['kind']} has no {doubt['field']}", fix)
        if doubt["unit"] == doubt["other"]:
            yield Wrong("any", f"{doubt['unit']} is no other unit", "Write the other unit")


_SENSE: Final[Mapping[str, Callable[[Rule], Iterator[Wrong]]]] = {
    "on_reading": _on_reading,
    "mean": _mean,
    "spread": _spread,
    "change": _change,
    "silence": _silence,
    "unit_doubt": _unit_doubt,
}
