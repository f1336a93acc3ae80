"""One table of the channels' file, read key by key; every fault is told with its line and its fix.

Secrets stand in files of their own: the table has the file's name, never the secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from yikao_alerts.channels.addresses import is_http
from yikao_alerts.channels.template import Template, Templates, unknown_fields
from yikao_alerts.compose import LANGUAGES
from yikao_devices.toml_lines import Fault, Lines

TEXT: Final = 'Write a text on one line, "..."'
NO_FILE: Final = "Name a file that this process can read, with the secret as its only line"
TEMPLATE: Final = (
    'Write { template = "NUMBER", parameters = { name = "{episode}" } }; in braces stand text, '
    "code, episode, short and link"
)


@dataclass(slots=True)
class ChannelTable:
    """What stands in `[name]`. Faults are collected in `faults`, what is faulty reads as empty."""

    name: str
    values: Mapping[str, Any]
    lines: Lines
    faults: list[Fault]
    _read: set[str] = field(default_factory=set)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it has to be there."""
        value = self._value(key, default)
        if isinstance(value, str) and (value or default == "") and value.isprintable():
            return value
        return self._fault(key, TEXT)

    def choice(self, key: str, words: Sequence[str]) -> str:
        """Return one of `words`."""
        value = self._value(key, None)
        return value if value in words else self._fault(key, f"Write one of {', '.join(words)}")

    def number(self, key: str) -> int:
        """Return a whole number above zero."""
        value = self._value(key, None)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        self._fault(key, "Write a whole number")
        return 0

    def address(self, key: str, default: str) -> str:
        """Return an http(s) address without a slash at its end."""
        value = self.text(key, default)
        if value and not is_http(value):
            return self._fault(key, "Write https://HOST")
        return value.rstrip("/")

    def secret(self, key: str, *, needed: bool = True) -> str:
        """Return what stands in the file that `key` names, without blanks around."""
        path = self._value(key, None if needed else "")
        if path == "" and not needed:
            return ""
        try:
            content = Path(str(path)).read_text("utf-8").strip() if isinstance(path, str) else ""
        except (OSError, UnicodeDecodeError, ValueError):
            content = ""
        return content or self._fault(key, NO_FILE)

    def pairs(self, key: str) -> dict[str, str]:
        """Return the lines "NAME SECRET" of the file that `key` names; none without it."""
        content = self.secret(key, needed=False)
        words = [line.split() for line in content.splitlines() if line.strip()]
        if any(len(each) != 2 for each in words):
            self._fault(key, 'Write a line "TOKEN SECRET" for each robot into the file')
            return {}
        return {name: secret for name, secret in words}

    def templates(self) -> dict[str, Templates]:
        """Return the templates by language; `zh` has to be there."""
        found = {}
        for language in LANGUAGES:
            page = self._template(language, needed=language == "zh")
            notice = self._template(f"{language}_notice", needed=False)
            if page is not None:
                found[language] = Templates(page, notice)
        # One who reads English gets the Chinese page rather than none.
        return found if "en" in found or not found else found | {"en": found["zh"]}

    def finish(self) -> None:
        """Refuse the keys that nothing has asked for."""
        for key in self.values.keys() - self._read:
            known = ", ".join(sorted(self._read))
            self._fault(key, f"Take it away; the keys here are {known}")

    def _template(self, key: str, *, needed: bool) -> Template | None:
        table = self._value(key, None if needed else {})
        if table == {} and not needed:
            return None
        template = template_of(table)
        if template is None:
            self._fault(key, TEMPLATE)
        return template

    def _value(self, key: str, default: Any) -> Any:
        self._read.add(key)
        return self.values.get(key, default)

    def _fault(self, key: str, fix: str) -> str:
        what = f"[{self.name}] {key} is missing"
        if key in self.values:
            what = f"[{self.name}] {key} is not right"
        self.faults.append(Fault(self.lines.of(self.name, 0, key), what, fix))
        return ""


def template_of(table: Any) -> Template | None:
    """Return a template as it is written in the file; None when it is none."""
    if not isinstance(table, dict) or set(table) - {"template", "parameters"}:
        return None
    number, parameters = table.get("template"), table.get("parameters", {})
    if not isinstance(number, str) or not number or not isinstance(parameters, dict):
        return None
    patterns = parameters.values()
    if not all(isinstance(each, str) and not unknown_fields(each) for each in patterns):
        return None
    return Template(number, parameters)
