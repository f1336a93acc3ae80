"""Writes the rule sets as pages a doctor can read and sign: docs/rules/.

Every sentence is made from the values that the engines use, so a page cannot say anything else.
With `--check` nothing is written, and the exit code is 1 when a page is out of date.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from generated import write_or_compare

from yikao_alerts.contexts import CONTEXT_WORDS
from yikao_alerts.resident import GROUPS, OPTIONS, TARGETS
from yikao_alerts.rules import Rule, RuleSet, load_rules
from yikao_alerts.rules.model import Template
from yikao_alerts.rules.sentences import (
    confirm_text,
    downgrade_text,
    late_text,
    over_text,
    protocol_text,
    recheck_text,
    upgrade_text,
    who_text,
)
from yikao_alerts.rules.vocabulary import FAMILIES, FLAGS, FORM_KEYS, RULE
from yikao_alerts.rules.words import FORM_WORDS
from yikao_devices.symptoms import SYMPTOM_WORDS

FOLDER: Final = Path(__file__).parent / "rules"
LANGUAGES: Final = ("zh", "en")
WARNING: Final = (
    "不是医疗建议，未经验证；每个数字须由使用机构的责任医生批准。\n"
    "Not medical advice and not validated; the responsible physician of the deploying institution\n"
    "has to approve every number.\n\n"
    "由 `docs/draw_rules.py` 从规则文件生成，请勿手改。 Written by `docs/draw_rules.py` from the\n"
    "rule files; change those, not this page.\n\n"
    "证据 evidence: V 见于来源 seen in a source · M 凭记忆，发布前核实 from memory, to be\n"
    "verified · D 设计选择 design choice.\n"
)
SEVERITY_WORDS: Final = {
    "page_now": "立即",
    "today": "今日",
    "this_week": "本周",
    "info": "仅供参考",
    "technical": "数据质量",
}

Said = Callable[[str], str]


def pages() -> dict[str, str]:
    """Return every page by its name, the same for the same rules."""
    cn, international = load_rules("cn"), load_rules("international")
    return {
        "cn.md": "\n".join(_set_page(cn)),
        "international.md": "\n".join(_difference_page(international, cn)),
        "vocabulary.md": "\n".join(_vocabulary_page()),
    }


def _set_page(rules: RuleSet) -> Iterator[str]:
    ordered = sorted(rules.rules, key=_order)
    yield f"# 规则 Rules: {rules.profile}, {rules.version}\n"
    yield WARNING
    yield "| 规则 rule | 名称 name | 级别 severity | 证据 evidence |\n| --- | --- | --- | --- |"
    for rule in ordered:
        name = f"{rule.name_zh} {rule.name_en}"
        yield f"| {_title(rule)} | {name} | {_severity(rule)} | {rule.evidence} |"
    yield "\n## 确认与复测 Confirmation and re-checks\n"
    yield from _table(
        [(name, lambda z, p=p: protocol_text(p, z)) for name, p in rules.protocols.items()]
        + [(name, lambda z, r=r: recheck_text(r, z)) for name, r in rules.rechecks.items()]
        + [("DQ-03", lambda z: late_text(rules.late, z))]
    )
    yield ""
    for each in (*rules.protocols.values(), *rules.rechecks.values()):
        yield f"- {each.name}, 来源 source: {each.source}"
    yield f"\n不受抑制 never suppressed: {', '.join(sorted(rules.suppress.never))}\n"
    yield "## 目标 Targets\n"
    yield from _templates(rules.templates)
    yield "\n## 规则 The rules\n"
    for rule in ordered:
        yield from _rule(rule)


def _difference_page(rules: RuleSet, base: RuleSet) -> Iterator[str]:
    yield f"# 规则 Rules: {rules.profile}, {rules.version}\n"
    yield WARNING
    yield f"与 [{base.profile}](cn.md) 不同之处，其余相同。 What differs from that set.\n"
    yield "## 目标 Targets\n"
    yield from _templates(t for t in rules.templates if t not in base.templates)
    yield "\n## 规则 The rules\n"
    for rule in sorted(rules.rules, key=_order):
        if rule not in base.rules:
            yield from _rule(rule)


def _order(rule: Rule) -> tuple[str, str, str]:
    return (*rule.id.split("-", 1), rule.kind)  # type: ignore[return-value]


def _title(rule: Rule) -> str:
    return f"{rule.id} ({rule.kind})" if rule.id in ("DQ-01", "DQ-02", "PR-01") else rule.id


def _severity(rule: Rule) -> str:
    return f"{SEVERITY_WORDS[rule.severity]} {rule.severity}"


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {_title(rule)} {rule.name_zh} {rule.name_en}\n"
    chain = f"{rule.addressee} + 产科 obstetric contact" if rule.obstetric else rule.addressee
    facts = [_severity(rule), f"告知 tells {chain}"]
    facts += [f"类别 family {rule.family}, {rule.level}"] if rule.family else []
    yield " · ".join(facts) + "\n"
    rows: list[tuple[str, Said]] = [
        ("条件 when", rule.limits_text),
        ("对象 for", lambda z: who_text(rule.who, z)),
        ("确认 confirmed", lambda z: confirm_text(rule, z)),
    ]
    rows += [
        (f"升级 raised to {up.severity}", lambda z, up=up: upgrade_text(up, z))
        for up in rule.upgrades
    ]
    rows += [
        (f"降级 lowered to {down.severity}", lambda z, down=down: downgrade_text(down, z))
        for down in rule.downgrades
    ]
    rows += [
        ("复测 re-check", lambda z: rule.recheck or ""),
        ("结束 over", lambda z: over_text(rule, z)),
        ("对居民 said at home", lambda z: rule.patient_zh if z == "zh" else rule.patient_en),
    ]
    yield from _table(rows)
    yield f"\n来源 source ({rule.evidence}): {rule.source}\n"


def _table(rows: Iterable[tuple[str, Said]]) -> Iterator[str]:
    """Yield the rows that say anything."""
    yield "| | 中文 | English |\n| --- | --- | --- |"
    for name, said in rows:
        texts = [said(language) for language in LANGUAGES]
        if any(texts):
            yield f"| {name} | {' | '.join(texts)} |"


def _templates(templates: Iterable[Template]) -> Iterator[str]:
    yield "| 规则 rule | 名称 name | 对象 for | 目标 targets | 来源 source |"
    yield "| --- | --- | --- | --- | --- |"
    for each in templates:
        who = f"{who_text(each.who, 'zh')} {who_text(each.who, 'en')}"
        targets = ", ".join(f"`{name}` {value:g}" for name, value in each.targets.items())
        name = f"{each.name_zh} {each.name_en}"
        yield f"| {each.rule_id} | {name} | {who} | {targets} | {each.source} |"


def _vocabulary_page() -> Iterator[str]:
    yield "# 词汇 Vocabulary of rule files\n"
    yield "规则文件可用的词。 The words that a rule file may use; every other one is refused.\n"
    yield "由 `docs/draw_rules.py` 生成。 Written by `docs/draw_rules.py`.\n"
    for title, words in (
        ("症状 Symptoms", SYMPTOM_WORDS),
        ("测量情境 Contexts", CONTEXT_WORDS),
        ("人群 Groups", GROUPS),
        ("目标 Targets", TARGETS),
        ("医生选项 Options", OPTIONS),
    ):
        yield f"## {title}\n\n| code | 中文 | English |\n| --- | --- | --- |"
        yield from (f"| `{code}` | {word.zh} | {word.en} |" for code, word in words.items())
        yield ""
    yield f"## 设备提示 Flags of devices\n\n{_codes(FLAGS)}\n"
    yield f"## 类别 Families\n\n{_codes(FAMILIES)}\n"
    yield f"## 规则的键 Keys of every rule\n\n{_codes(RULE)}\n"
    yield "## 形式 Forms\n\n| form | 看什么 | looks for | keys |\n| --- | --- | --- | --- |"
    for form, keys in FORM_KEYS.items():
        word = FORM_WORDS[form]
        yield f"| `{form}` | {word.zh} | {word.en} | {_codes(keys)} |"
    yield ""


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them; return the exit code."""
    files = {
        FOLDER / name: re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"
        for name, text in pages().items()
    }
    return write_or_compare(files, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
