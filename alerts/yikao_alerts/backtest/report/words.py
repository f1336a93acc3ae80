"""What the report says, in the two languages of the product."""

from html import escape
from typing import Final

from yikao_devices.symptoms import Words

WORDS: Final = {
    "title": Words("规则回测报告", "Back-test of a rule set"),
    "not_advice": Words(
        "离线计算，供医生审核规则之用；不是医疗建议。",
        "Computed offline, for doctors who review a rule set. Not medical advice.",
    ),
    "rules": Words("规则集", "rule set"),
    "against": Words("对照规则集", "against"),
    "digest": Words("摘要", "digest"),
    "code": Words("程序版本", "code"),
    "input": Words("输入文件", "input"),
    "readings": Words("条记录", "readings"),
    "residents": Words("名居民", "residents"),
    "patient_weeks": Words("人周", "patient-weeks"),
    "burden": Words("给医生带来多少工作", "What it asks of doctors"),
    "burden_note": Words(
        "每100人周的次数，括号内为总数。同一居民、同一类规则的一次过程只计一次；更严重时再计一次。",
        "Per 100 patient-weeks, in brackets the number. One for each episode of a resident and a "
        "family of rules, and one more when it becomes worse.",
    ),
    "pages": Words("立即呼叫医生", "pages, now"),
    "today_tasks": Words("今日任务", "tasks for today"),
    "worklist_entries": Words("工作清单", "worklist entries"),
    "naive": Words("单次≥135即报警（对比）", "plain alert at one ≥135 (to compare)"),
    "by_rule": Words("按规则", "By rule"),
    "over_time": Words("随时间", "Over time"),
    "over_time_note": Words("每周，每100人周的次数。", "Each week, per 100 patient-weeks."),
    "per_resident": Words("每名居民", "By resident"),
    "per_resident_note": Words(
        "整个期间内，有多少名居民需要这么多次。",
        "How many residents asked for so much in the whole time.",
    ),
    "changes": Words("与对照规则集相比", "Beside the other rule set"),
    "changes_note": Words(
        "按居民、规则和过程逐一对应。",
        "Matched by resident, rule and episode.",
    ),
    "rule": Words("规则", "rule"),
    "new": Words("新增", "new"),
    "gone": Words("消失", "gone"),
    "earlier": Words("提前", "earlier"),
    "later": Words("推后", "later"),
    "resident": Words("居民", "resident"),
    "found": Words("发现时间", "found"),
    "change": Words("变化", "change"),
    "by": Words("相差", "by"),
    "more": Words("其余见 JSON 文件。", "The others stand in the JSON file."),
    "nothing": Words("没有。", "Nothing."),
    "examples": Words("举例", "Examples"),
    "examples_note": Words(
        "圆点为读数；竖线为发现，旁边是规则编号。",
        "Dots are readings; lines are findings, with the rule beside them.",
    ),
    "pressure": Words("血压 mmHg", "pressure, mmHg"),
    "glucose": Words("血糖 mmol/L", "glucose, mmol/L"),
}


def say(key: str) -> str:
    """Return the words of a key, in both languages; the page shows one of them."""
    words = WORDS[key]
    return both(words.zh, words.en)


def both(zh: str, en: str) -> str:
    """Return two texts of which the page shows one."""
    return (
        f'<span class="zh" lang="zh">{escape(zh)}</span>'
        f'<span class="en" lang="en">{escape(en)}</span>'
    )


def both_svg(zh: str, en: str, place: str) -> str:
    """Return the same within a drawing; place: attributes of the text."""
    return (
        f'<text class="zh" lang="zh" {place}>{escape(zh)}</text>'
        f'<text class="en" lang="en" {place}>{escape(en)}</text>'
    )
