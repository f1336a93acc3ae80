"""What a person sees on a web page, as far as the phone needs it: the words, and the form.

Standard: HTML Living Standard, forms. Only forms that post are looked at.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

UNSEEN: Final = frozenset({"script", "style", "template", "title"})


@dataclass(slots=True)
class Form:
    """A form: where it is sent ("" is the page itself), and what may be sent, by field name."""

    action: str
    hidden: list[tuple[str, str]] = field(default_factory=list)
    offered: list[tuple[str, str]] = field(default_factory=list)

    def choices(self, name: str) -> list[str]:
        """Return what one may choose in the field `name`."""
        return [value for each, value in self.offered if each == name]


@dataclass(frozen=True, slots=True)
class Seen:
    """The page's main words on one line, and its forms that post."""

    words: str
    forms: tuple[Form, ...]

    def form_with(self, name: str) -> Form | None:
        """Return the first form in which something can be chosen for `name`."""
        return next((form for form in self.forms if form.choices(name)), None)


def read_page(html: str) -> Seen:
    """Return what is on the page; markup that makes no sense is overlooked, as browsers do."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    words = " ".join(reader.main or reader.words)
    return Seen(re.sub(r"\s+", " ", words).strip(), tuple(reader.forms))


class _Reader(HTMLParser):
    """Collects words and forms."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.main: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._in_main = False
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "main":
                self._in_main = True
            case "form" if given.get("method", "").lower() == "post":
                self._form = Form(given.get("action", ""))
                self.forms.append(self._form)
            case "select":
                self._select = given.get("name", "")
            case "input" | "button" | "option":
                self._field(tag, given)
            case _ if tag in UNSEEN:
                self._unseen += 1

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "main":
                self._in_main = False
            case "form":
                self._form = None
            case "select":
                self._select = ""
            case _ if tag in UNSEEN:
                self._unseen = max(0, self._unseen - 1)

    def handle_data(self, data: str) -> None:
        if self._unseen or not data.strip():
            return
        self.words.append(data)
        if self._in_main:
            self.main.append(data)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        name = self._select if tag == "option" else given.get("name", "")
        if self._form is None or not name or "disabled" in given:
            return
        hidden = given.get("type") == "hidden"
        fields = self._form.hidden if hidden else self._form.offered
        fields.append((name, given.get("value", "")))
