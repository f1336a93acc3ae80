"""The words of the feed in Chinese and English: fixed texts with named places, never put together.

A sentence is one entry of a `text/zh.*toml` and one of its English brother;
a test holds their keys and places equal. A word that is missing for a code of ours shows the code
itself, never nothing.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

LANGUAGES: Final = ("zh", "en")
DEFAULT_LANGUAGE: Final = "zh"
PARTS: Final = ("toml", "care.toml", "oncall.toml", "help.toml")
"""Alerts and operations; worklist, labels, profiles, rules and figures; who is on call; what helps
whoever answers."""


class Words:
    """The texts of one language; call it with a key and the values of its places."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self.texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """Return the text; an unknown key is a programmer's error."""
        return self.texts[key].format(**values)

    def of(self, group: str, code: str | None) -> str:
        """Return the word for a code that the database holds, or the code where there is none."""
        return self.texts.get(f"{group}.{code}", code or "")


def flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Return the texts of nested tables under dotted keys."""
    texts: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            texts |= flatten(value, f"{prefix}{key}.")
        else:
            texts[f"{prefix}{key}"] = str(value)
    return texts


@cache
def load_words(language: str) -> Words:
    """Return the texts of `zh` or `en`."""
    folder = resources.files("yikao_alerts.feed").joinpath("text")
    texts: dict[str, str] = {}
    for part in PARTS:
        path = folder.joinpath(f"{language}.{part}")
        texts |= flatten(tomllib.loads(path.read_text("utf-8")))
    return Words(language, texts)
