"""Approved wordings: clouds send no free text, only a template they have looked at beforehand.

What differs from page to page stands in the template's parameters; settings say how each is filled,
`{episode}` say, from what a page has. Web addresses are refused as parameters (Aliyun,
isv.PARAM_NOT_SUPPORT_URL): the template has the fixed part of a link, and `{short}` its end.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from yikao_alerts.channels.channel import OutgoingPage

PARAMETER_MAX: Final = 350
"""Characters; a voice template speaks no more altogether (Tencent Cloud VMS, SendTtsVoice)."""
FIELDS: Final = ("text", "code", "episode", "short", "link")
_PLACE: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A template's number at the cloud, and what fills its parameters, in their order."""

    number: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of one language: of a doctor's page, and of a notice nobody can answer."""

    page: Template
    notice: Template | None = None

    def of(self, page: OutgoingPage) -> Template | None:
        """Return the template of a page; None when there is none for it."""
        return self.page if page.link else self.notice


def fill(template: Template, page: OutgoingPage, code: str) -> dict[str, str]:
    """Return the parameters' values by name, in the template's order."""
    values = {
        "text": page.body,
        "code": code,
        "episode": str(page.episode_id),
        "short": page.link.rpartition("/")[2],
        "link": page.link,
    }
    return {
        name: _PLACE.sub(lambda found: values[found[1]], pattern)[:PARAMETER_MAX]
        for name, pattern in template.parameters.items()
    }


def unknown_fields(pattern: str) -> list[str]:
    """Return what stands in braces in `pattern` and is no field of a page."""
    return [name for name in _PLACE.findall(pattern) if name not in FIELDS]
