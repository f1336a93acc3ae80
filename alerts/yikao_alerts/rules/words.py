"""A rule as a sentence that a doctor can read, made from the rule itself, so it cannot differ."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final

from yikao_alerts.contexts import CONTEXT_WORDS
from yikao_alerts.limits import LABELS, SIGNS, Limit
from yikao_alerts.resident import TARGETS
from yikao_alerts.rules import forms
from yikao_alerts.rules.forms import Form
from yikao_devices.symptoms import SYMPTOM_WORDS, Words

TEXTS: Final = {
    "en": {
        "or": " or ",
        "and": " and ",
        "times": "; or ",
        "comma": ", ",
        "own": "{limit} [own value: {target}{margin}]",
        "taken": "{limit} ({contexts})",
        "with": "({what}) and reported: {symptoms}",
        "either": "{one}; or {other}",
        "reported": "reported: {symptoms}",
        "flag": "device says {flag}",
        "unless": "{what}, unless the device says {flags}",
        "order": "{first} not below {second}",
        "only": "{what}, readings taken {contexts}",
        "readings": "{what}: at least {count} readings{apart} within {within}",
        "sessions": "{what}: the mean of at least {count} sessions{apart} within {within}",
        "flag_sessions": "{what}: in at least {count} sessions{apart} within {within}",
        "in_session": "{what}: at least {count} readings of one session",
        "apart": ", at least {apart} apart,",
        "drop": "{after} minus {before}, within {within}: {what}",
        "gain": "weight at least {kg:g} kg above the lowest within {within}",
        "mean": "{part} of {days} days: {what}",
        "mean_all": "mean",
        "mean_morning": "mean of mornings",
        "mean_evening": "mean of evenings",
        "and_part": "{what}, and {part}: {other}",
        "enough": "{what}; at least {readings} readings",
        "on_days": "{what} on {days} days",
        "mornings": "{what}, {mornings} mornings",
        "drop_first": "{what}; the first day of a new series left out",
        "spread": "standard deviation of the day means of {days} days: {what}; at least {min_days}"
        " days with readings over {span} days",
        "change": "the resident's own {signal} level has changed by {shift:+g} {unit}"
        " ({direction})",
        "up": "trend upwards",
        "down": "trend downwards",
        "mean7": "{what}, and 7-day mean {limit}",
        "share": "sensor of {days} days, worn at least {wear:g} %: {what}",
        "portion": "time with {what} {op} {pct:g} %",
        "cv": "coefficient of variation > {cv:g} %",
        "late": "arrived late, by the bounds of late data",
        "clock": "measured more than {future} in the future, before the year {year}, or the"
        " device's clock is off by more than {offset}",
        "doubt": "{field} {low:g} to {high:g} called {unit}, possibly {other}{habit}{sources}",
        "no_unit": "nothing",
        "habit": ", where the history is in {habit}",
        "sources": ", entered as {sources}",
        "person": "systolic, diastolic and pulse together unlike the own last 60 days (squared"
        " Mahalanobis distance > {d2:g})",
        "device": "a device not seen before; trends start anew, masked for {mask}",
        "silence": "nothing measured: reminder after {remind} days, told after {days} days",
        "targets": "targets by age and condition; never told by itself",
        "day": "{n:g} days",
        "hour": "{n:g} h",
        "minute": "{n:g} min",
    },
    "zh": {
        "or": " 或 ",
        "and": " 且 ",
        "times": "；或 ",
        "comma": "、",
        "own": "{limit} [个人值：{target}{margin}]",
        "taken": "{limit}（{contexts}）",
        "with": "（{what}）且自述：{symptoms}",
        "either": "{one}；或 {other}",
        "reported": "自述：{symptoms}",
        "flag": "设备提示 {flag}",
        "unless": "{what}，设备提示 {flags} 时除外",
        "order": "{first}不低于{second}",
        "only": "{what}，仅限{contexts}的读数",
        "readings": "{what}：{within}内至少 {count} 次读数{apart}",
        "sessions": "{what}：{within}内至少 {count} 组读数的均值{apart}",
        "flag_sessions": "{what}：{within}内至少 {count} 组读数{apart}",
        "in_session": "{what}：同一组内至少 {count} 次读数",
        "apart": "，间隔至少 {apart}",
        "drop": "{after}减{before}，{within}内：{what}",
        "gain": "体重比{within}内最低值增加至少 {kg:g} kg",
        "mean": "{days} 天{part}：{what}",
        "mean_all": "平均",
        "mean_morning": "早晨平均",
        "mean_evening": "晚间平均",
        "and_part": "{what}，且{part}：{other}",
        "enough": "{what}；至少 {readings} 次读数",
        "on_days": "{what}、{days} 天",
        "mornings": "{what}、{mornings} 个早晨",
        "drop_first": "{what}；新系列的第一天不计",
        "spread": "{days} 天日均值的标准差：{what}；至少 {min_days} 天有读数，跨度 {span} 天",
        "change": "与本人以往相比，{signal}水平变化 {shift:+g} {unit}（{direction}）",
        "up": "上升趋势",
        "down": "下降趋势",
        "mean7": "{what}，且7天平均{limit}",
        "share": "传感器 {days} 天、佩戴至少 {wear:g} %：{what}",
        "portion": "{what} 的时间 {op} {pct:g} %",
        "cv": "变异系数 > {cv:g} %",
        "late": "到达过迟，界限见迟到数据",
        "clock": "测量时间超前 {future} 以上、早于 {year} 年，或设备时钟偏差超过 {offset}",
        "doubt": "{field} {low:g} 至 {high:g}，标为 {unit}，可能是 {other}{habit}{sources}",
        "no_unit": "无单位",
        "habit": "（以往用 {habit}）",
        "sources": "（来源：{sources}）",
        "person": "收缩压、舒张压、脉搏合起来不像本人近60天（马氏距离平方 > {d2:g}）",
        "device": "未见过的设备；趋势重新开始，{mask}内不提示",
        "silence": "没有测量：{remind} 天后提醒本人，{days} 天后告知团队",
        "targets": "按年龄和病情的目标；本身不告警",
        "day": "{n:g} 天",
        "hour": "{n:g} 小时",
        "minute": "{n:g} 分钟",
    },
}
BETWEEN_SYMPTOMS: Final = " / "
"""Commas stand within their words."""
FLAG_WORDS: Final = {
    "hi": {"zh": "HI", "en": "HI"},
    "lo": {"zh": "LO", "en": "LO"},
    "irregular_pulse": {"zh": "脉搏不齐", "en": "irregular pulse"},
}
SOURCE_WORDS: Final = {
    "device": {"zh": "设备", "en": "device"},
    "manual": {"zh": "手工录入", "en": "typed"},
    "imported": {"zh": "导入", "en": "imported"},
}


def form_text(form: Form, language: str) -> str:
    """Return what a form looks for, in `zh` or `en`, on one line."""
    return _WORDS[type(form)](form, language)


def limit_text(limit: Limit, language: str) -> str:
    """Return a limit with how the reading has to be taken, and whose own value replaces it."""
    texts, words = TEXTS[language], limit.text(language)
    if limit.contexts:
        words = texts["taken"].format(limit=words, contexts=_contexts(limit.contexts, language))
    if limit.target is None:
        return words
    target = getattr(TARGETS[limit.target], language)
    margin = f" {limit.margin:+g}" if limit.margin else ""
    if not limit.values:
        return f"{words} {target}{margin}"
    return texts["own"].format(limit=words, target=target, margin=margin)


def limits_text(limits: Iterable[Limit], language: str, word: str = "or") -> str:
    """Return several limits, joined by a word of `TEXTS`: `or`, `and`."""
    return TEXTS[language][word].join(limit_text(limit, language) for limit in limits)


def time_text(time: timedelta, language: str) -> str:
    """Return a length of time in the largest unit that leaves a short number."""
    minutes = time / timedelta(minutes=1)
    if minutes > 48 * 60:
        return TEXTS[language]["day"].format(n=minutes / 60 / 24)
    if minutes > 60:
        return TEXTS[language]["hour"].format(n=minutes / 60)
    return TEXTS[language]["minute"].format(n=minutes)


def symptoms_text(codes: Iterable[str], language: str) -> str:
    """Return symptoms in words."""
    words = [getattr(SYMPTOM_WORDS[code], language) for code in sorted(codes)]
    return BETWEEN_SYMPTOMS.join(words)


def _contexts(codes: Iterable[str], language: str) -> str:
    words = [getattr(CONTEXT_WORDS[code], language) for code in sorted(codes)]
    return TEXTS[language]["comma"].join(words)


def _on_reading(form: forms.OnReading, language: str) -> str:
    texts = TEXTS[language]
    parts = [limit_text(limit, language) for limit in form.any]
    parts += [texts["flag"].format(flag=_flag(flag, language)) for flag in sorted(form.flags)]
    if form.order:
        first, second = (LABELS[name][language] for name in form.order)
        parts.append(texts["order"].format(first=first, second=second))
    what = texts["or"].join(parts)
    if form.unless_flags:
        flags = texts["comma"].join(_flag(flag, language) for flag in sorted(form.unless_flags))
        what = texts["unless"].format(what=what, flags=flags)
    if form.contexts:
        what = texts["only"].format(what=what, contexts=_contexts(form.contexts, language))
    if form.times:
        what = texts["times"].join(_times(form, times, what, language) for times in form.times)
    if form.with_symptoms:
        symptoms = symptoms_text(form.with_symptoms, language)
        what = texts["with"].format(what=what, symptoms=symptoms)
    if form.alone_symptoms:
        alone = texts["reported"].format(symptoms=symptoms_text(form.alone_symptoms, language))
        what = texts["either"].format(one=alone, other=what) if what else alone
    return what


def _flag(code: str, language: str) -> str:
    return FLAG_WORDS[code][language] if code in FLAG_WORDS else code


def _times(form: forms.OnReading, times: forms.Times, what: str, language: str) -> str:
    texts = TEXTS[language]
    text = "flag_sessions" if times.of == forms.SESSIONS and not form.any else times.of
    apart = texts["apart"].format(apart=time_text(times.apart, language)) if times.apart else ""
    within = time_text(times.within, language) if times.within else ""
    return texts[text].format(what=what, count=times.count, apart=apart, within=within)


def _drop(form: forms.Drop, language: str) -> str:
    return TEXTS[language]["drop"].format(
        after=_contexts(form.after, language),
        before=_contexts(form.before, language),
        within=time_text(form.within, language),
        what=limits_text(form.any, language),
    )


def _gain(form: forms.Gain, language: str) -> str:
    within = time_text(form.within, language)
    return TEXTS[language]["gain"].format(kg=form.kg, within=within)


def _mean(form: forms.Mean, language: str) -> str:
    texts = TEXTS[language]
    what = texts["mean"].format(
        part=texts[f"mean_{form.part}"], days=form.days, what=limits_text(form.any, language)
    )
    if form.and_part:
        other = limits_text(form.and_all, language, "and")
        part = texts[f"mean_{form.and_part}"]
        what = texts["and_part"].format(what=what, part=part, other=other)
    if form.contexts:
        what = texts["only"].format(what=what, contexts=_contexts(form.contexts, language))
    what = texts["enough"].format(what=what, readings=form.min_readings)
    if form.min_days > 1:
        what = texts["on_days"].format(what=what, days=form.min_days)
    if form.min_mornings:
        what = texts["mornings"].format(what=what, mornings=form.min_mornings)
    return texts["drop_first"].format(what=what) if form.drop_first else what


def _spread(form: forms.Spread, language: str) -> str:
    return TEXTS[language]["spread"].format(
        days=form.days,
        what=limits_text(form.any, language),
        min_days=form.min_days,
        span=form.min_span,
    )


def _change(form: forms.Change, language: str) -> str:
    texts = TEXTS[language]
    what = texts["change"].format(
        signal=LABELS[form.signal][language],
        shift=form.shift,
        unit=form.unit,
        direction=texts[form.direction],
    )
    if form.mean7 is None:
        return what
    return texts["mean7"].format(what=what, limit=limit_text(form.mean7, language))


def _share(form: forms.Share, language: str) -> str:
    texts = TEXTS[language]
    parts = [
        texts["portion"].format(
            what=limits_text(portion.all, language, "and"), op=SIGNS[portion.op], pct=portion.pct
        )
        for portion in form.any
    ]
    if form.cv_above_pct is not None:
        parts.append(texts["cv"].format(cv=form.cv_above_pct))
    what = texts["or"].join(parts)
    return texts["share"].format(days=form.days, wear=form.wear_pct, what=what)


def _clock_error(form: forms.ClockError, language: str) -> str:
    return TEXTS[language]["clock"].format(
        future=time_text(form.future, language),
        offset=time_text(form.offset, language),
        year=form.year_min,
    )


def _unit_doubt(form: forms.UnitDoubt, language: str) -> str:
    texts, told = TEXTS[language], []
    for doubt in form.any:
        sources = texts["comma"].join(SOURCE_WORDS[s][language] for s in sorted(doubt.sources))
        told.append(
            texts["doubt"].format(
                field=LABELS[doubt.field][language],
                low=doubt.low,
                high=doubt.high,
                unit=doubt.unit or texts["no_unit"],
                other=doubt.other,
                habit=texts["habit"].format(habit=doubt.habit) if doubt.habit else "",
                sources=texts["sources"].format(sources=sources) if sources else "",
            )
        )
    return texts["or"].join(told)


_WORDS: Final[dict[type[Form], Callable[..., str]]] = {
    forms.OnReading: _on_reading,
    forms.Drop: _drop,
    forms.Gain: _gain,
    forms.Mean: _mean,
    forms.Spread: _spread,
    forms.Change: _change,
    forms.Share: _share,
    forms.LateData: lambda form, language: TEXTS[language]["late"],
    forms.ClockError: _clock_error,
    forms.UnitDoubt: _unit_doubt,
    forms.OtherPerson: lambda form, language: TEXTS[language]["person"].format(d2=form.d2_above),
    forms.DeviceChange: lambda form, language: TEXTS[language]["device"].format(
        mask=time_text(form.mask, language)
    ),
    forms.Silence: lambda form, language: TEXTS[language]["silence"].format(
        remind=form.remind_days, days=form.days
    ),
    forms.Targets: lambda form, language: TEXTS[language]["targets"],
}
FORM_WORDS: Final[Mapping[str, Words]] = {
    "on_reading": Words(
        "单次读数或症状，或在一段时间内达到若干次",
        "one reading or symptom, or so many of them within a time",
    ),
    "drop": Words("两种体位之差", "the difference between two positions"),
    "gain": Words("几天内体重增加", "weight gained within days"),
    "mean": Words("若干天的平均", "the mean of days"),
    "spread": Words("日均值的离散", "the spread of day means"),
    "change": Words("相对本人水平的变化", "a change against the own level"),
    "share": Words("传感器各区间的时间占比", "parts of a sensor's time"),
    "late_data": Words("迟到", "a late arrival"),
    "clock_error": Words("不可能的时间", "a time that cannot be"),
    "unit_doubt": Words("单位可能不对", "a number likely in the other unit"),
    "other_person": Words("不像本人的读数", "a reading unlike the resident's own"),
    "device_change": Words("新设备", "a device not seen before"),
    "silence": Words("没有测量", "nothing measured"),
    "targets": Words("仅给出目标，不告警", "says targets, never fires"),
}
"""The forms by the name that a file gives them."""
