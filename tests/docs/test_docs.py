"""The documents are true: names exist, links lead somewhere, examples are accepted."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from yikao_alerts.answer import Disposition
from yikao_alerts.episodes import Event, State
from yikao_alerts.evaluate import Why
from yikao_alerts.rules import load_rules
from yikao_alerts.rules.model import SEVERITIES
from yikao_devices import topics
from yikao_devices.blood_pressure import Status
from yikao_devices.glucose_context import MEALS
from yikao_devices.version import VERSION
from yikao_gateway import settings as gateway_settings
from yikao_ingest.reasons import OWNERS, Reason
from yikao_ingest.registry import TABLES, parse_registry
from yikao_ingest.settings import meanings
from yikao_ingest.watch.canary import CODE as CANARY

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FOLDERS = ("devices", "gateway", "alerts", "ingest", "firmware-sim", "docs", "benchmarks")
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))]
)

CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
FILE = re.compile(r"^[\w./@-]+\.(py|sql|toml|md|json|svg|yml|conf|acl|service)$")
NAME = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
ELSEWHERE = re.compile(r"/(?:home|root|Users|mnt|work)/")
"""Folders of somebody's own machine."""


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return every name that a file defines: classes, functions, fields, constants, tables."""
    text = path.read_text("utf-8")
    if path.suffix == ".sql":
        return frozenset(re.findall(r"(?:CREATE TABLE|RENAME TO) (\w+)", text))
    if path.suffix != ".py":
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)


def sections(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield title, body


def test_every_name_in_the_path_is_defined_in_a_file_of_its_section() -> None:
    hops = list(sections((DOCS / "path.md").read_text("utf-8")))
    assert len(hops) == 15
    for title, body in hops:
        told = CODE.findall(body)
        files = [ROOT / word for word in told if FILE.match(word)]
        missing = [str(file) for file in files if not file.is_file()]
        assert not missing, f"{title}: no file {missing}"
        known = frozenset().union(*(names_in(file) for file in files))
        for word in told:
            if FILE.match(word) or not NAME.match(word):
                continue
            unknown = [part for part in word.split(".") if part not in known]
            assert not unknown, f"{title}: {word} is in none of its files"


@pytest.mark.parametrize("page", DOCUMENTS, ids=ids)
def test_relative_links_lead_to_something(page: Path) -> None:
    targets = [first or second for first, second in LINK.findall(page.read_text("utf-8"))]
    for target in targets:
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path
        assert found.exists(), f"{target} leads nowhere"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), flags=re.MULTILINE)
            assert anchor in [heading.lower().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", DOCUMENTS, ids=ids)
def test_files_in_backticks_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    for word in CODE.findall(text):
        if FILE.match(word) and word.split("/")[0] in (*FOLDERS, "tests"):
            assert (ROOT / word).is_file() or word == "docs/bluetooth.md", f"no file {word}"


def test_no_text_names_a_folder_of_somebodys_own_machine() -> None:
    texts = [*DOCUMENTS, *DOCS.rglob("*.toml"), *ROOT.glob("*/*/**/text/*.toml")]
    assert len(texts) > len(DOCUMENTS) + 4
    for text in texts:
        assert not ELSEWHERE.search(text.read_text("utf-8")), text


def test_make_targets_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    for page in DOCUMENTS:
        told = set(re.findall(r"^make (\w+)|`make (\w+)", page.read_text("utf-8"), re.MULTILINE))
        wanted = {first or second for first, second in told}
        assert wanted <= targets, f"{ids(page)}: make {wanted - targets}"
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "make demo" in readme and "make test" in readme


def test_both_readmes_tell_the_same_story() -> None:
    excerpts = [
        re.findall(r"```(?:text|sh)\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
        for name in ("README.md", "README.zh.md")
    ]
    assert excerpts[0][1] == excerpts[1][1]
    assert "DEMO" not in excerpts[0][1]


def test_the_example_registry_has_no_fault() -> None:
    file = DOCS / "registry.example.toml"
    registry = parse_registry(file.read_text("utf-8"), str(file))
    assert all(registry.rows(table) for table in TABLES)


def test_the_example_settings_of_a_gateway_have_no_fault_and_name_every_key() -> None:
    file = DOCS / "gateway.example.toml"
    assert gateway_settings.read_settings(file, {}).broker.tls
    text = file.read_text("utf-8")
    for key in gateway_settings.KEYS:
        assert re.search(rf"^(# )?{key} = ", text, re.MULTILINE), f"{key} is not explained"


def test_the_operator_finds_every_setting() -> None:
    text = (DOCS / "operations.md").read_text("utf-8")
    zh = meanings("zh")
    for variable, meaning in meanings("en").items():
        assert f"| `{variable}` | {meaning} | {zh[variable]} |" in text


def test_nothing_names_a_setting_that_nobody_reads() -> None:
    units = [file for file in (ROOT / "ingest" / "systemd").rglob("*") if file.is_file()]
    told = [*DOCUMENTS, *DOCS.glob("*.toml"), *units, ROOT / "docker-compose.yml"]
    code = "".join(
        file.read_text("utf-8") for name in FOLDERS for file in (ROOT / name).rglob("*.py")
    )
    tests = (ROOT / "tests" / "conftest.py").read_text("utf-8")
    known = set(re.findall(r"YIKAO_[A-Z_]*[A-Z]", code + tests))
    known |= {gateway_settings.PREFIX + key.upper() for key in gateway_settings.KEYS}
    for file in told:
        unknown = set(re.findall(r"YIKAO_[A-Z_]*[A-Z]", file.read_text("utf-8"))) - known
        assert not unknown, f"{ids(file)}: {unknown}"


def test_the_glossary_has_every_code_and_its_files_exist() -> None:
    text = (DOCS / "glossary.md").read_text("utf-8")
    told = {word for line in text.splitlines() for word in CODE.findall(line)}
    codes: set[str] = {*Reason, *State, *Event, *Why, *Disposition, *SEVERITIES, *MEALS.values()}
    codes |= {str(flag.name).lower() for flag in Status}
    codes |= {rule.family for rule in load_rules().rules if rule.family}
    shown = tomllib.loads((ROOT / "alerts/yikao_alerts/feed/text/zh.toml").read_text("utf-8"))
    for section in ("flag", "device_event", "page", "outcome", "gateway", "meal"):
        codes |= set(shown[section])
    assert codes <= told, f"not in the glossary: {sorted(codes - told)}"
    for reason, owner in OWNERS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{reason}` |"))
        assert f"| {owner} |" in row


@pytest.mark.parametrize(
    "script", ["write_wire", "write_zoo", "draw_rules", "draw_episodes", "draw_escalation"]
)
def test_what_is_made_from_the_sources_is_up_to_date(script: str) -> None:
    command = [sys.executable, str(DOCS / f"{script}.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_broker_lets_each_side_do_what_the_topics_need_and_no_more() -> None:
    rules: dict[str, set[str]] = {}
    for line in (ROOT / "ingest" / "mosquitto.acl").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            who, access, topic = line.split(" ")
            rules.setdefault(f"{who} {access}", set()).add(topic)

    def all_of(gateway: str, channels: tuple[str, ...]) -> set[str]:
        return {topics.topic("+", gateway, channel) for channel in channels}

    assert rules == {
        "pattern write": all_of("%u", topics.FROM_GATEWAYS),
        "pattern read": all_of("%u", topics.TO_GATEWAY),
        "topic read": all_of("+", topics.FROM_GATEWAYS) | {"$SYS/broker/uptime"},
        "topic write": all_of("+", topics.TO_GATEWAY)
        | {topics.topic(CANARY, CANARY, f"{topics.READING}/glucose")},
    }


def test_every_decision_is_listed() -> None:
    listed = (DOCS / "adr" / "README.md").read_text("utf-8")
    pages = sorted((DOCS / "adr").glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{n:04d}" for n in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text("utf-8")
        title = text.splitlines()[0].partition(". ")[2]
        assert f"| [{page.name[:4]}]({page.name}) | {title} |" in listed
        assert list(re.findall(r"^## (\w+)", text, re.MULTILINE)) == [
            "Context",
            "Options",
            "Decision",
            "Consequences",
        ]


def test_the_changelog_names_the_version_and_safety_first() -> None:
    parts = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    assert VERSION in parts[1].splitlines()[0]
    assert re.findall(r"^### (\w+)", parts[1], re.MULTILINE)[0] == "Safety"
