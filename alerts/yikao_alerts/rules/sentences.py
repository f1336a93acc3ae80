"""The rest of a rule in words: whom it is for, how it is confirmed, what raises and ends it.

Made from the same values that the engines use; `words.py` has what a rule looks for.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from yikao_alerts.resident import GROUPS, OPTIONS
from yikao_alerts.rules.model import (
    Downgrade,
    Ends,
    Late,
    Normal,
    Protocol,
    Recheck,
    Rule,
    Upgrade,
    Who,
)
from yikao_alerts.rules.words import TEXTS, limits_text, symptoms_text, time_text
from yikao_devices.symptoms import Words

SENTENCES: Final = {
    "en": {
        "everybody": "everybody",
        "all_of": "{groups}",
        "any_of": "one of: {groups}",
        "or_age": "{who} or from {age} years",
        "from_age": "from {age} years",
        "none_of": "not: {groups}",
        "age_at_least": "from {age} years",
        "age_below": "below {age} years",
        "options": "where the doctor chose: {options}",
        "joined": "; ",
        "reported": "reported: {symptoms}",
        "low_twice": "still low in two re-checks",
        "no_recheck": "no re-check within {minutes:g} min",
        "rising": "higher on the repeat within {minutes:g} min",
        "crisis_silent": "a page is open and nothing is measured for {minutes:g} min",
        "no_symptom": "no symptom reported",
        "fresh": "{limits} at most {within} before",
        "mean_of_two_or_three": "mean of two readings at least {gap} apart, of three when they"
        " differ by more than {differ:g} mmHg or their mean lies within {near:g} of the limit",
        "second": "the second reading, at least {gap} later",
        "no_reply": "{how}; no reply in {window} counts as confirmed",
        "asked": "told at once, a repeat is asked for beside it",
        "readings": "{rounds} readings at least {apart} apart: {limits}",
        "sessions": "means of {rounds} sessions: {limits}",
        "one": "{limits}",
        "symptom_again": "no symptom since",
        "human_only": "only a person ends it",
        "mean": "the mean is {limits}",
        "level": "the level is above the limit with a probability below {p:g}",
        "quiet": "{days} days without it",
        "any_reading": "any reading",
        "obstetric": "{chain}, and the obstetric contact",
        "recheck": "every {every}, at most {rounds} rounds. Over after {n} rounds in a row"
        " {resolve}, no symptom{once}{downgrade}. Escalates: {escalate}{task}",
        "once": ", or after one round {limits}",
        "downgrade": "; for today only after {n} rounds in a row {limits}",
        "silent": "nothing measured for {silent}",
        "new_symptom": "a new symptom",
        "escalate": "a round {limits}",
        "still_after": "still {limits} after {after}",
        "still_rounds": "still {limits} in {n} rounds",
        "task": "; a visit next day is noted in any case",
        "late": "older than {late} on arrival: marked late; older than {call}: a call to check;"
        " older than {information}: information only",
        "late_never": "; {rules}: as urgent as ever",
    },
    "zh": {
        "everybody": "所有人",
        "all_of": "{groups}",
        "any_of": "其中之一：{groups}",
        "or_age": "{who}或 {age} 岁及以上",
        "from_age": "{age} 岁及以上",
        "none_of": "除外：{groups}",
        "age_at_least": "{age} 岁及以上",
        "age_below": "{age} 岁以下",
        "options": "医生已选：{options}",
        "joined": "；",
        "reported": "自述：{symptoms}",
        "low_twice": "两次复测仍低",
        "no_recheck": "{minutes:g} 分钟内没有复测",
        "rising": "{minutes:g} 分钟内复测更高",
        "crisis_silent": "告警未结束且 {minutes:g} 分钟没有测量",
        "no_symptom": "没有自述症状",
        "fresh": "{within}内{limits}",
        "mean_of_two_or_three": "间隔至少 {gap}的两次平均，相差超过 {differ:g} mmHg"
        " 或平均值距界限不到 {near:g} mmHg 时取三次平均",
        "second": "至少 {gap}后的第二次读数",
        "no_reply": "{how}；{window}内无复测按确认处理",
        "asked": "立即告知，同时请复测",
        "readings": "{rounds} 次读数、间隔至少 {apart}：{limits}",
        "sessions": "{rounds} 组均值：{limits}",
        "one": "{limits}",
        "symptom_again": "其后无症状",
        "human_only": "仅由人结束",
        "mean": "平均{limits}",
        "level": "水平高于界限的概率低于 {p:g}",
        "quiet": "{days} 天未再出现",
        "any_reading": "有任何读数",
        "obstetric": "{chain}，并告知产科联系人",
        "recheck": "每 {every}一次，最多 {rounds} 轮。连续 {n} 轮{resolve}且无症状后结束"
        "{once}{downgrade}。升级：{escalate}{task}",
        "once": "，或一轮{limits}",
        "downgrade": "；连续 {n} 轮{limits}后改为今日处理",
        "silent": "{silent}没有测量",
        "new_symptom": "新症状",
        "escalate": "任一轮{limits}",
        "still_after": "{after}后仍{limits}",
        "still_rounds": "{n} 轮后仍{limits}",
        "task": "；一律记下次日就诊",
        "late": "到达时超过 {late}：标为迟到；超过 {call}：电话核实；超过 {information}：仅供参考",
        "late_never": "；{rules} 不因迟到而降级",
    },
}


def who_text(who: Who, language: str) -> str:
    """Return whom a rule or template is for."""
    texts, parts = SENTENCES[language], []
    if who.groups_all:
        parts.append(_named(who.groups_all, GROUPS, language))
    if who.groups_any:
        groups = texts["any_of"].format(groups=_named(who.groups_any, GROUPS, language))
        old = who.or_age_at_least
        parts.append(groups if old is None else texts["or_age"].format(who=groups, age=old))
    elif who.or_age_at_least is not None:
        parts.append(texts["from_age"].format(age=who.or_age_at_least))
    if who.groups_none:
        parts.append(texts["none_of"].format(groups=_named(who.groups_none, GROUPS, language)))
    for key, age in (("age_at_least", who.age_at_least), ("age_below", who.age_below)):
        parts += [texts[key].format(age=age)] if age is not None else []
    if who.options_all:
        parts.append(texts["options"].format(options=_named(who.options_all, OPTIONS, language)))
    return texts["joined"].join(parts) or texts["everybody"]


def _named(codes: Iterable[str], words: Mapping[str, Words], language: str) -> str:
    return TEXTS[language]["comma"].join(getattr(words[code], language) for code in sorted(codes))


def upgrade_text(upgrade: Upgrade, language: str) -> str:
    """Return what raises a finding of the rule."""
    texts, parts = SENTENCES[language], []
    if upgrade.limits:
        parts.append(limits_text(upgrade.limits, language))
    if upgrade.symptoms:
        parts.append(texts["reported"].format(symptoms=symptoms_text(upgrade.symptoms, language)))
    if upgrade.recheck:
        parts.append(texts[upgrade.recheck].format(minutes=upgrade.minutes))
    if upgrade.who != Who():
        parts.append(who_text(upgrade.who, language))
    return texts["joined"].join(parts)


def downgrade_text(downgrade: Downgrade, language: str) -> str:
    """Return what lowers a finding of the rule."""
    texts, parts = SENTENCES[language], [who_text(downgrade.who, language)]
    if downgrade.no_symptom:
        parts.append(texts["no_symptom"])
    if downgrade.limits:
        within = time_text(downgrade.within, language)
        limits = limits_text(downgrade.limits, language, "and")
        parts.append(texts["fresh"].format(limits=limits, within=within))
    return texts["joined"].join(parts)


def protocol_text(protocol: Protocol, language: str) -> str:
    """Return how a first reading is confirmed."""
    texts = SENTENCES[language]
    gap = time_text(protocol.gap, language)
    numbers = {"differ": protocol.differ_mmhg or 0, "near": protocol.near_mmhg or 0}
    how = texts[protocol.statistic].format(gap=gap, **numbers)
    return texts["no_reply"].format(how=how, window=time_text(protocol.window, language))


def confirm_text(rule: Rule, language: str) -> str:
    """Return how the rule is confirmed; empty where nothing is waited for or asked."""
    if rule.protocol is not None:
        return protocol_text(rule.protocol, language)
    paging = rule.family is not None and rule.ask_again
    return SENTENCES[language]["asked"] if paging else ""


def over_text(rule: Rule, language: str) -> str:
    """Return when what the rule began is over; empty where nothing begins."""
    texts, parts = SENTENCES[language], []
    if rule.normal is not None:
        parts.append(_normal(rule.normal, language))
    if rule.ends is not None:
        parts.append(_ends(rule.ends, language))
    if rule.human_only:
        parts.append(texts["human_only"])
    return texts["joined"].join(parts)


def _normal(normal: Normal, language: str) -> str:
    texts = SENTENCES[language]
    key = normal.of if normal.rounds > 1 or normal.of == "sessions" else "one"
    told = texts[key].format(
        rounds=normal.rounds,
        apart=time_text(normal.apart, language),
        limits=limits_text(normal.limits, language, "and"),
    )
    return texts["joined"].join([told, texts["symptom_again"]])


def _ends(ends: Ends, language: str) -> str:
    texts, parts = SENTENCES[language], []
    if ends.limits:
        parts.append(texts["mean"].format(limits=limits_text(ends.limits, language, "and")))
    if ends.level_below is not None:
        parts.append(texts["level"].format(p=ends.level_below))
    if ends.quiet_days is not None:
        parts.append(texts["quiet"].format(days=ends.quiet_days))
    if ends.any_reading:
        parts.append(texts["any_reading"])
    return TEXTS[language]["or"].join(parts)


def recheck_text(recheck: Recheck, language: str) -> str:
    """Return what happens at home after a page."""
    texts, once, down = SENTENCES[language], "", ""
    if recheck.resolve_once:
        once = texts["once"].format(limits=limits_text(recheck.resolve_once, language, "and"))
    if recheck.downgrade:
        limits = limits_text(recheck.downgrade, language, "and")
        down = texts["downgrade"].format(n=recheck.downgrade_rounds, limits=limits)
    return texts["recheck"].format(
        every=time_text(recheck.every, language),
        rounds=recheck.rounds_max,
        n=recheck.resolve_rounds,
        resolve=limits_text(recheck.resolve, language, "and"),
        once=once,
        downgrade=down,
        escalate=texts["joined"].join(_escalates(recheck, language)),
        task=texts["task"] if recheck.next_day_task else "",
    )


def _escalates(recheck: Recheck, language: str) -> list[str]:
    texts = SENTENCES[language]
    parts = [texts["silent"].format(silent=time_text(recheck.silent, language))]
    parts.append(texts["new_symptom"])
    if recheck.escalate:
        parts.append(texts["escalate"].format(limits=limits_text(recheck.escalate, language)))
    still = limits_text(recheck.still, language)
    if recheck.still and recheck.still_after is not None:
        after = time_text(recheck.still_after, language)
        parts.append(texts["still_after"].format(limits=still, after=after))
    if recheck.still and recheck.still_rounds:
        parts.append(texts["still_rounds"].format(limits=still, n=recheck.still_rounds))
    return parts


def late_text(late: Late, language: str) -> str:
    """Return what the age of a reading allows (DQ-03)."""
    texts = SENTENCES[language]
    told = texts["late"].format(
        late=time_text(late.late_after, language),
        call=time_text(late.call_after, language),
        information=time_text(late.information_after, language),
    )
    never = texts["late_never"].format(rules=", ".join(sorted(late.never))) if late.never else ""
    return told + never
