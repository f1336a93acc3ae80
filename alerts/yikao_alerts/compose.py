"""The words of a page, in the doctor's language, from fixed texts that hold nothing private."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

LANGUAGES: Final = ("zh", "en")
BODY_MAX: Final = 200
"""Characters; some providers cut longer messages without a word."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """All that a page may say. `count` is 1 for the first call of this level."""

    episode_id: int
    severity: str
    minutes: int
    count: int
    unconfirmed: bool
    late: bool


def compose(facts: PageFacts, language: str) -> str:
    """Return the page's text, at most `BODY_MAX` characters, without its link."""
    texts = load_texts(language)
    page = texts["page"]
    body = page["body"].format(
        severity=texts["severity"][facts.severity],
        episode=facts.episode_id,
        minutes=facts.minutes,
        unconfirmed=page["unconfirmed"] if facts.unconfirmed else "",
        late=page["late"] if facts.late else "",
        again=page["again"].format(count=facts.count) if facts.count > 1 else "",
    )
    assert len(body) <= BODY_MAX, "a page's text outgrew its bound"
    return body


@cache
def load_texts(language: str) -> Mapping[str, Mapping[str, str]]:
    """Return the page texts of `zh` or `en`."""
    text = resources.files("yikao_alerts.text").joinpath(f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)
