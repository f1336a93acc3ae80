"""The words of a page, in the doctor's language and in the length of its channel, from fixed texts.

By default nothing private: how urgent, what in plain words (no diagnosis), since when, by which
rule, how long it has waited. A name or a value only where the centre's policy allows (`private`).
What does not fit goes in a fixed order, what matters least first; the head always stays.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final

from yikao_alerts import spoken
from yikao_alerts.rules.model import PAGING
from yikao_alerts.sms_parts import TEXT_MAX as SMS_TEXT_MAX
from yikao_alerts.sms_parts import length

LANGUAGES: Final = ("zh", "en")
BODY_MAX: Final = 200
"""Characters of a push message; some providers cut longer ones without a word."""
VOICE_MAX: Final = 200
"""Characters of a script: half a minute of Chinese. Nobody listens longer at night."""
MAIL_MAX: Final = 1000
BOUNDS: Final = {"push": BODY_MAX, "sms": SMS_TEXT_MAX, "voice": VOICE_MAX, "mail": MAIL_MAX}
"""Longest text by kind of channel, in UTF-16 units, without the link."""
PRIVACY: Final = ("none", "surname", "values")
"""What a centre may let its pages say: nothing private; the surname; that and what was measured."""

ITEMS_MAX: Final = 50
"""Alerts that one text names; the others are counted."""

_PARTS: Final = (
    *("head", "who", "values", "unconfirmed", "late", "since", "waiting", "again", "rule", "end"),
)
_LEAST_FIRST: Final = (
    *("rule", "since", "unconfirmed", "late", "again", "waiting", "values", "who", "end"),
)
_TOLD: Final = ("systolic", "diastolic", "glucose", "ketone", "spo2", "temperature", "weight")
"""Which values of a reading a page may tell, in their order."""
_WHO_MAX: Final = 12
_VALUES_MAX: Final = 40
"""Characters kept of what a policy lets through."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """All that a page may say. `count` is 1 for the first call of this level.

    since: when it began, in the home's zone. who, values: empty but by the centre's policy.
    """

    episode_id: int
    severity: str
    minutes: int
    count: int
    unconfirmed: bool
    late: bool
    family: str = ""
    rule_id: str = ""
    since: datetime | None = None
    who: str = ""
    values: str = ""


def private(policy: str, name: str, values: str) -> tuple[str, str]:
    """Return who and which values a page may name under a centre's policy; unknown: neither."""
    who = f"{name.strip()[:1]}**" if policy in ("surname", "values") and name.strip() else ""
    return who, values[:_VALUES_MAX] if policy == "values" else ""


def values_text(values: Mapping[str, float], unit: str) -> str:
    """Return a reading as it was measured: `186/112 mmHg`, `2.5 mmol/L`; empty without a value."""
    told = "/".join(f"{values[name]:g}" for name in _TOLD if name in values)
    return f"{told} {unit}".strip() if told else ""


def facts_to_json(facts: PageFacts) -> dict[str, Any]:
    """Return the facts as the database keeps them."""
    since = facts.since.isoformat() if facts.since else None
    return asdict(facts) | {"since": since}


def facts_from_json(stored: Mapping[str, Any]) -> PageFacts:
    """Return what `facts_to_json` made."""
    since = stored.get("since")
    return PageFacts(**{**stored, "since": datetime.fromisoformat(since) if since else None})


def compose(facts: PageFacts, language: str, kind: str = "push") -> str:
    """Return a page's text for a kind of channel, within its bound, without its link."""
    kind = _worded(kind)
    texts = load_texts(language)
    words, said = texts[f"page_{kind}"], _said(facts, language, kind)
    parts = {
        "head": True,
        "who": facts.who,
        "values": facts.values,
        "unconfirmed": facts.unconfirmed,
        "late": facts.late,
        "since": facts.since,
        "waiting": True,
        "again": facts.count > 1,
        "rule": facts.rule_id,
        "end": True,
    }
    return _fit({part: words[part].format(**said) for part in _PARTS if parts[part]}, kind)


def compose_bundle(facts: Sequence[PageFacts], language: str, kind: str = "push") -> str:
    """Return one text for several pages to one doctor, the worst and oldest first.

    What does not fit is counted, never named in part; facts: at least one.
    """
    if len(facts) == 1:
        return compose(facts[0], language, kind)
    kind = _worded(kind)
    texts = load_texts(language)
    words = texts[f"bundle_{kind}"]
    ordered = sorted(facts, key=lambda each: (-PAGING.index(each.severity), -each.minutes))
    said = [_said(each, language, kind) for each in ordered]
    number = spoken.count(len(facts), language) if kind == "voice" else str(len(facts))
    head = words["head"].format(severity=said[0]["severity"], number=number)
    items = [words["item"].format(**each) for each in said[:ITEMS_MAX]]
    for shown in range(len(items), -1, -1):
        more = words["more"] if 0 < shown < len(facts) else ""
        text = f"{head}{words['between'].join(items[:shown])}{more}{words['end']}"
        if length(text) <= BOUNDS[kind]:
            return text
    raise AssertionError("a bundle's head outgrew its bound")


@cache
def load_texts(language: str) -> Mapping[str, Mapping[str, str]]:
    """Return the page texts of `zh` or `en`."""
    text = resources.files("yikao_alerts.text").joinpath(f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _worded(kind: str) -> str:
    """Return the kind whose words are used: a terminal shows what a telephone does."""
    return "push" if kind == "terminal" else kind


def _said(facts: PageFacts, language: str, kind: str) -> dict[str, str]:
    """Return the facts in words: written, or as a voice says them."""
    texts = load_texts(language)
    voice = kind == "voice"
    said = {
        "severity": texts["severity_spoken" if voice else "severity"][facts.severity],
        "what": texts["what"].get(facts.family, texts["what"]["other"]),
        "who": facts.who[:_WHO_MAX].replace("*", "") if voice else facts.who[:_WHO_MAX],
        "values": facts.values[:_VALUES_MAX],
        "episode": str(facts.episode_id),
        "minutes": str(facts.minutes),
        "count": str(facts.count),
        "rule": facts.rule_id,
        "since": _since(facts),
    }
    if voice:
        said |= {
            "episode": spoken.digits(facts.episode_id, language),
            "minutes": spoken.minutes(facts.minutes, language),
            "count": spoken.number(facts.count, language),
            "rule": spoken.code(facts.rule_id, language),
            "values": spoken.values(facts.values[:_VALUES_MAX], language),
        }
        if facts.since:
            said["since"] = spoken.clock_time(facts.since.hour, facts.since.minute, language)
    return said


def _since(facts: PageFacts) -> str:
    """Return when it began: the time of day, with the day where that is another than now's."""
    if facts.since is None:
        return ""
    now = facts.since + timedelta(minutes=facts.minutes)
    return (
        f"{facts.since:%H:%M}" if now.date() == facts.since.date() else f"{facts.since:%m-%d %H:%M}"
    )


def _fit(parts: Mapping[str, str], kind: str) -> str:
    """Return the parts that fit into the bound of `kind`, joined."""
    kept = dict(parts)
    for part in ("", *_LEAST_FIRST):
        kept.pop(part, None)
        text = "".join(kept.values())
        if length(text) <= BOUNDS[kind]:
            return text
    raise AssertionError("a page's head outgrew its bound")
