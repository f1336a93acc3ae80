"""The words of the page, Chinese and English, from `text/zh.toml` and `text/en.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language; `texts` by their dotted key."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its places filled in."""
        return self.texts[key].format(**values)

    def known(self, key: str, otherwise: str) -> str:
        """Return the key that has a text: `key`, or `otherwise` for what newer parts say."""
        return key if key in self.texts else otherwise

    def time(self, at: datetime, now: datetime) -> str:
        """Return a moment by `now`'s clock on the wall, with its day unless it is today's."""
        local = at.astimezone(now.tzinfo)
        clock = f"{local:%H:%M}"
        if local.date() == now.date():
            return clock
        if local.date() == now.date() - timedelta(days=1):
            return self("time.yesterday", clock=clock)
        return self("time.day", month=local.month, day=local.day, clock=clock)


@cache
def load_words(language: str) -> Words:
    """Return the words of "zh" or "en"."""
    text = files("yikao_gateway.page").joinpath("text", f"{language}.toml").read_text("utf-8")
    return Words(language, dict(_flat("", tomllib.loads(text))))


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, str):
            found.append((prefix + key, value))
        else:
            found += _flat(f"{prefix}{key}.", value)
    return found
