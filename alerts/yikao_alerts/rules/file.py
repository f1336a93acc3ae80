"""Reading a rule set: one file, or a folder of them; all is checked before anything is believed.

A set is refused as a whole, with every fault, its file and its line: an unknown key, a missing
unit, an unknown symptom, a rule without a source. What was read is named by a digest, which every
decision stores, so that a year later it is known by which text a doctor was woken.

A set may be `based_on` a shipped one: then it holds only what differs, key by key.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, TypeVar

from yikao_alerts.rules import build
from yikao_alerts.rules.check import faults_of
from yikao_alerts.rules.draft import BASES, Draft, SourceFile, merged
from yikao_alerts.rules.model import SEVERITIES, RuleSet
from yikao_devices.toml_lines import Fault, FaultyFileError, parse_toml

DIGEST_CHARS: Final = 16
"""64 bits: enough to tell the versions of a set apart, short enough to be read out."""
SHIPPED: Final = ("cn", "international")
FILE_BYTES_MAX: Final = 1_000_000
FILES_MAX: Final = 50

_Made = TypeVar("_Made")


def read_rules(name_or_path: str) -> RuleSet:
    """Return the shipped set of that name, else the one in that folder or file.

    Refuses with `FaultyFileError`, all faults named; a path that cannot be read as well.
    """
    if name_or_path in SHIPPED:
        return rules_of(name_or_path, _shipped(name_or_path))
    return rules_of(name_or_path, _files(name_or_path, Path(name_or_path)))


def parse_rules(text: str, path: str) -> RuleSet:
    """Return the rule set in one `text`; refuses it with `FaultyFileError`, all faults at once."""
    return rules_of(path, [(path, text)])


def _shipped(name: str) -> list[tuple[str, str]]:
    return _files(name, resources.files("yikao_alerts.rules").joinpath(name))


def _files(path: str, place: Traversable) -> list[tuple[str, str]]:
    """Return the names and texts of the files of a set, in order of their names."""
    try:
        found = [place]
        if place.is_dir():
            found = sorted(
                (entry for entry in place.iterdir() if entry.name.endswith(".toml")),
                key=lambda entry: entry.name,
            )
        if not 0 < len(found) <= FILES_MAX:
            fix = f"Name a file, a folder with 1 to {FILES_MAX} .toml files, or one of: "
            raise _refusal(path, "there are no rules", fix + ", ".join(SHIPPED))
        return [(entry.name, _text(path, entry)) for entry in found]
    except (OSError, UnicodeDecodeError) as error:
        fix = f"Name a readable UTF-8 file or folder, or one of: {', '.join(SHIPPED)}"
        raise _refusal(path, f"cannot be read: {error}", fix) from error


def _text(path: str, entry: Traversable) -> str:
    with entry.open("rb") as opened:
        data = opened.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise _refusal(path, f"{entry.name} is too long", f"Write at most {FILE_BYTES_MAX} bytes")
    return data.decode("utf-8")


def _refusal(path: str, what: str, fix: str) -> FaultyFileError:
    return FaultyFileError(path, [Fault(0, what, fix)])


def rules_of(path: str, texts: Sequence[tuple[str, str]]) -> RuleSet:
    """Return the rule set in some files, name and text each; refuses it as `read_rules` does."""
    draft, digest = _draft(texts)
    faults = draft.found or faults_of(draft)
    if faults:
        raise FaultyFileError(path, faults)
    return replace(_built(draft, digest), texts=tuple(texts))


def _draft(texts: Sequence[tuple[str, str]]) -> tuple[Draft, str]:
    """Return the tables of the files, over those of the set they are based on, and the digest."""
    several = len(texts) > 1
    files = [SourceFile(name if several else "", *parse_toml(text, name)) for name, text in texts]
    wanted = [file.values.get("based_on") for file in files if "based_on" in file.values]
    known = [name for name in wanted if name in BASES]
    base, hashed = _draft(_shipped(known[0])) if known else (None, "")
    whole = "\0".join([*([hashed] if hashed else []), *(text for _, text in texts)])
    return merged(files, base), hashlib.sha256(whole.encode()).hexdigest()[:DIGEST_CHARS]


def _built(draft: Draft, digest: str) -> RuleSet:
    """Return the set of tables that have no fault."""
    protocols = _each(draft, "protocol", build.protocol)
    averages = draft.tables("average")
    rules = [build.rule(entry.values, protocols, averages) for entry in draft.rules.values()]
    rules.sort(key=lambda rule: (-SEVERITIES.index(rule.severity), -rule.level, rule.id))
    return RuleSet(
        draft.top["version"],
        draft.top["profile"],
        digest,
        build.late(draft.tables("late")[""]),
        tuple(rules),
        build.suppress(draft.tables("suppress")[""]),
        protocols,
        _each(draft, "recheck", build.recheck),
        tuple(_each(draft, "template", build.template).values()),
    )


def _each(
    draft: Draft, section: str, made: Callable[[str, build.Table], _Made]
) -> dict[str, _Made]:
    return {name: made(name, table) for name, table in draft.tables(section).items()}
