"""Why something is on the worklist, or why a resident has a label: one sentence with its numbers.

The numbers are those that were stored with the decision, never computed again here. Evidence whose
kind or numbers this version does not know is shown as it stands, never left out.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from yikao_alerts.feed import show
from yikao_alerts.feed.words import Words
from yikao_alerts.rules import RuleSet

Evidence = Mapping[str, Any]

FIELDS: Final = (
    "systolic",
    "diastolic",
    "pulse_pressure",
    "glucose",
    "ketone",
    "pulse",
    "weight",
    "spo2",
    "temperature",
)
"""The order in which the values of one mean are written, the pressures over each other."""
NEXT_DAY_VISIT: Final = "next_day_visit"
DEFERRED: Final = "deferred"
"""For today, and not called for: its doctor was called for enough."""
READINGS_TOLD: Final = 3
"""Of a finding that rests on many: the rest is on the resident's page."""


def reason_of(words: Words, evidence: Evidence, zone: str) -> str:
    """Return the sentence for an entry's evidence."""
    make = _SENTENCES.get(str(evidence.get("what")))
    if make is not None:
        try:
            return make(words, evidence, zone)
        except (KeyError, TypeError, ValueError):
            pass
    return _as_it_stands(evidence)


def label_reasons(words: Words, reasons: Sequence[Evidence], rules: RuleSet) -> list[str]:
    """Return a label's reasons as sentences."""
    return [_label_reason(words, reason, rules) for reason in reasons]


def _label_reason(words: Words, reason: Evidence, rules: RuleSet) -> str:
    text = words.texts.get(f"label_reason.{reason.get('code')}")
    if text is None:
        return _as_it_stands(reason)
    named = {rule.id: rule.name(words.language) for rule in rules.rules}
    rule_id = str(reason.get("rule_id", ""))
    values = {key: _plain(value) for key, value in reason.items()}
    if isinstance(probability := reason.get("p"), int | float):
        values["p"] = f"{100 * probability:.0f}"
    try:
        return text.format_map({**values, "rule": named.get(rule_id, rule_id)})
    except KeyError:
        return _as_it_stands(reason)


def _mean(words: Words, evidence: Evidence, zone: str) -> str:
    return words(
        "reason.mean",
        days=evidence["days"],
        part=words(f"reason.part_{evidence.get('part', 'all')}"),
        values=_numbers(evidence["values"]),
        unit=evidence["unit"],
        readings=evidence["readings"],
        reading_days=evidence["reading_days"],
        limit=_numbers(evidence["limit"]),
    )


def _change(words: Words, evidence: Evidence, zone: str) -> str:
    return words(
        "reason.change_up" if evidence["shift"] > 0 else "reason.change_down",
        shift=show.number(abs(evidence["shift"])),
        unit=evidence["unit"],
        baseline=show.number(evidence["baseline"]),
        since=show.date_text(words, date.fromisoformat(evidence["since"])),
        reading_days=evidence["reading_days"],
    )


def _spread(words: Words, evidence: Evidence, zone: str) -> str:
    return words(
        "reason.spread",
        value=_numbers(evidence["values"]),
        unit=evidence["unit"],
        days=evidence["days"],
        reading_days=evidence["reading_days"],
    )


def _share(words: Words, evidence: Evidence, zone: str) -> str:
    names = ("in_range_pct", "below_pct", "very_low_pct", "cv_pct")
    return words(
        "reason.share",
        days=evidence["days"],
        **{name: show.number(evidence[name]) for name in names},
    )


def _silence(words: Words, evidence: Evidence, zone: str) -> str:
    days = evidence["days"]
    if last := evidence.get("last_at"):
        at = show.moment(words, datetime.fromisoformat(last), zone)
        said = words("reason.silence", days=days, at=at)
    elif last := evidence.get("last_day"):
        at = show.date_text(words, date.fromisoformat(last))
        said = words("reason.silence", days=days, at=at)
    else:
        said = words("reason.silence_ever", days=days)
    told = [said]
    told += [words.of("silence_cause", evidence["cause"])] if "cause" in evidence else []
    told += [words.of("silence_owner", evidence["owner"])] if "owner" in evidence else []
    return words("list.semicolon").join(told)


def _count(words: Words, evidence: Evidence, zone: str) -> str:
    told = _readings(words, evidence["readings"], zone)
    return words("reason.count", count=evidence["count"], readings=told)


def _readings(words: Words, readings: Sequence[Evidence], zone: str) -> str:
    """Return the newest readings of a finding with their times."""
    newest = sorted(readings, key=lambda reading: str(reading["at"]), reverse=True)
    told = []
    for reading in newest[:READINGS_TOLD]:
        at = show.moment(words, datetime.fromisoformat(reading["at"]), zone)
        value = show.values_text(reading.get("values", {}), reading.get("unit", ""))
        told.append(f"{at} {value.number} {value.unit}".rstrip())
    return words("list.semicolon").join(told)


def _visit(words: Words, evidence: Evidence, zone: str) -> str:
    return words("reason.next_day_visit", episode=evidence["episode_id"])


def _deferred(words: Words, evidence: Evidence, zone: str) -> str:
    return words("reason.deferred", episode=evidence["episode_id"])


_SENTENCES: Final[Mapping[str, Callable[[Words, Evidence, str], str]]] = {
    "mean": _mean,
    "change": _change,
    "spread": _spread,
    "share": _share,
    "silence": _silence,
    "count": _count,
    NEXT_DAY_VISIT: _visit,
    DEFERRED: _deferred,
}


def _numbers(values: Mapping[str, float]) -> str:
    known = [field for field in FIELDS if field in values]
    return "/".join(show.number(values[field]) for field in known) or _as_it_stands(values)


def _as_it_stands(facts: Mapping[str, Any]) -> str:
    return " · ".join(f"{key} {_plain(value)}" for key, value in facts.items() if key != "what")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return show.number(value)
    if isinstance(value, Mapping):
        return _as_it_stands(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(item) for item in value)
    return str(value)
