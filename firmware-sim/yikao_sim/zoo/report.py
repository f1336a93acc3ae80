"""The zoo on paper: a table of its inhabitants, and how a gateway has fared with them.

Words for people in Chinese and English; the same as JSON for programs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from yikao_sim import terminal
from yikao_sim.zoo.enclosure import Verdict
from yikao_sim.zoo.persona import Outcome, Persona

FAULTS_SHOWN = 4
CAME_SHOWN = 6
"""A gateway that misses ninety readings is wrong in the same way ninety times."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said in one language."""

    outcomes: dict[Outcome, str]
    expected: str
    came: str
    passed: str
    failed: str
    summary: str
    stray: str


TEXTS = {
    "zh": Texts(
        {
            Outcome.STORED: "入库",
            Outcome.FLAGGED: "标记",
            Outcome.REFUSED: "拒收",
            Outcome.EVENT: "事件",
            Outcome.RETRIED: "重读",
            Outcome.ASKED: "求助",
        },
        "应当",
        "实际",
        "通过",
        "未过",
        "{total} 个中通过 {passed} 个，用时 {seconds:.0f} 秒",
        "输出中有 {} 行不是 JSON，已略过",
    ),
    "en": Texts(
        {outcome: outcome.value for outcome in Outcome},
        "expected",
        "came",
        "pass",
        "FAIL",
        "{passed} of {total} passed in {seconds:.0f} s",
        "{} lines of output were no JSON and were skipped",
    ),
}


def inhabitants(personas: Sequence[Persona], language: str) -> list[str]:
    """Return the lines that introduce `personas`."""
    texts = TEXTS[language]
    lines = []
    for persona in personas:
        lines += [
            f"{persona.name}  [{texts.outcomes[persona.outcome]}]",
            f"    {persona.about.in_language(language)}",
            f"    {texts.expected}: {persona.expected()}",
            f"    {persona.source}",
        ]
    return lines


def as_json(persona: Persona) -> dict[str, Any]:
    """Return what `inhabitants` says, in both languages."""
    return {
        "name": persona.name,
        "zh": persona.about.zh,
        "en": persona.about.en,
        "source": persona.source,
        "outcome": persona.outcome.value,
        "expected": persona.expected(),
    }


def verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    """Return one verdict for a program; `came` are all items that were printed."""
    return as_json(verdict.persona) | {
        "passed": verdict.passed,
        "faults": [{"zh": fault.zh, "en": fault.en} for fault in verdict.faults],
        "came": list(verdict.came),
        "stray_lines": verdict.stray_lines,
        "seconds": round(verdict.seconds, 1),
    }


def progress(verdict: Verdict, language: str) -> str:
    """Return the line that is told as soon as a verdict is there."""
    texts = TEXTS[language]
    mark = texts.passed if verdict.passed else texts.failed
    return f"{mark}  {verdict.persona.name}  {verdict.seconds:.1f} s"


def table(verdicts: Sequence[Verdict], seconds: float, language: str) -> list[str]:
    """Return the table at the end: a line for each, more for what failed, and the sum."""
    texts = TEXTS[language]
    wide = max((terminal.columns(each.persona.name) for each in verdicts), default=0)
    lines = []
    for verdict in verdicts:
        persona = verdict.persona
        mark = texts.passed if verdict.passed else texts.failed
        outcome = texts.outcomes[persona.outcome]
        about = persona.about.in_language(language)
        lines.append(f"{mark}  {_padded(persona.name, wide)}  {_padded(outcome, 8)}  {about}")
        if not verdict.passed:
            lines.append(f"      {texts.expected}: {persona.expected()}")
            faults = [fault.in_language(language) for fault in verdict.faults]
            lines += [f"      - {fault}" for fault in _first(faults, FAULTS_SHOWN)]
            came = "; ".join(_first(verdict.came, CAME_SHOWN)) or "—"
            lines.append(f"      {texts.came}: {came}")
    stray = sum(each.stray_lines for each in verdicts)
    if stray:
        lines.append(texts.stray.format(stray))
    passed = sum(each.passed for each in verdicts)
    total = len(verdicts)
    lines.append(texts.summary.format(passed=passed, total=total, seconds=seconds))
    return lines


def _first(items: Sequence[str], count: int) -> Iterable[str]:
    more = len(items) - count
    return [*items[:count], f"… +{more}"] if more > 0 else items


def _padded(text: str, wide: int) -> str:
    return text + " " * (wide - terminal.columns(text))
