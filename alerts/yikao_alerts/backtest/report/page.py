"""The report: one page that needs nothing but itself, in Chinese and English, fit for printing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from html import escape
from importlib import resources
from typing import Any, Final

from yikao_alerts.backtest.burden import Load
from yikao_alerts.backtest.differ import CHANGES
from yikao_alerts.backtest.report.draw import Bar, Line, bars, columns, lines
from yikao_alerts.backtest.report.examples import COLOURS, Example, drawn
from yikao_alerts.backtest.report.words import WORDS, both, say
from yikao_alerts.backtest.summary import Figures
from yikao_alerts.daily.grid import EPOCH
from yikao_alerts.rules.model import RuleSet
from yikao_alerts.version import code_version
from yikao_devices.symptoms import Words

ROWS_MAX: Final = 60
"""Differences listed one by one; the JSON has all of them."""
STEPS: Final = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, None))
"""How often a resident asked for something: the columns of the distribution."""
PLAIN: Final = "plain"


def page(figures: Figures, examples: Sequence[Example], source: Mapping[str, Any]) -> str:
    """Return the report as HTML. source: what names the input file."""
    parts = [
        _head(figures, source),
        _section("burden", _burden(figures), "burden_note"),
        _section("by_rule", _by_rule(figures)),
        _section("over_time", _over_time(figures), "over_time_note"),
        _section("changes", _changes(figures), "changes_note") if figures.old else "",
        _section("per_resident", _per_resident(figures), "per_resident_note"),
        _section("examples", _examples(examples, figures), "examples_note"),
    ]
    style = resources.files(__package__).joinpath("page.css").read_text("utf-8")
    title = WORDS["title"]
    return (
        '<!doctype html>\n<html lang="zh">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title.zh)} · {escape(title.en)}</title>\n<style>\n{style}</style>\n"
        "</head>\n<body>\n"
        '<input type="radio" name="language" id="zh" hidden checked>'
        '<input type="radio" name="language" id="en" hidden>\n'
        '<p class="language"><label for="zh" lang="zh">中文</label>'
        '<label for="en" lang="en">English</label></p>\n'
        f"<main>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )


def _section(key: str, body: str, note: str | None = None) -> str:
    under = f'<p class="note">{say(note)}</p>' if note else ""
    return f"<section>\n<h2>{say(key)}</h2>\n{under}{body}\n</section>\n"


def _head(figures: Figures, source: Mapping[str, Any]) -> str:
    tally = figures.tally
    size = (
        f"{tally.rows:,} {say('readings')} · {tally.residents:,} {say('residents')} · "
        f"{tally.patient_weeks:,.0f} {say('patient_weeks')}"
    )
    rows = [("rules", escape(_named(figures.rules)))]
    if figures.old is not None:
        rows.append(("against", escape(_named(figures.old))))
    rows += [
        ("input", f"{escape(str(source['file']))}<br>SHA-256 {escape(str(source['sha256']))}"),
        ("code", escape(code_version())),
    ]
    listed = "".join(f"<dt>{say(key)}</dt><dd>{text}</dd>" for key, text in rows)
    return (
        f"<h1>{say('title')}</h1>\n<p>{size}</p>\n<dl>{listed}</dl>\n"
        f'<p class="note">{say("not_advice")}</p>\n'
    )


def _named(rules: RuleSet) -> str:
    return f"{rules.profile} {rules.version} · {rules.digest}"


def _burden(figures: Figures) -> str:
    counts = Counter(each.load for each in figures.asked)
    rows = [_bar(WORDS[str(load)], counts[load], COLOURS[load], figures) for load in Load]
    return bars([*rows, _bar(WORDS["naive"], figures.tally.naive_days, PLAIN, figures)])


def _bar(label: Words, count: int, colour: str, figures: Figures) -> Bar:
    rate = figures.tally.per_100_weeks(count)
    return Bar(label, rate, f"{rate:.2f} ({count:,})", colour)


def _by_rule(figures: Figures) -> str:
    counts = Counter((each.by.rule, each.load) for each in figures.asked)
    order = list(Load)
    ranked = sorted(counts, key=lambda key: (order.index(key[1]), -counts[key], key[0]))
    names = {rule.id: Words(rule.name_zh, rule.name_en) for rule in figures.rules.rules}
    rows = []
    for rule, load in ranked:
        own = names.get(rule, Words("", ""))
        label = Words(f"{own.zh} {rule}", f"{_short(own.en)} {rule}")
        rows.append(_bar(label, counts[rule, load], COLOURS[load], figures))
    return bars(rows) if rows else f"<p>{say('nothing')}</p>"


def _short(name: str, most: int = 30) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _over_time(figures: Figures) -> str:
    weeks = sorted(figures.tally.weeks)
    if not weeks:
        return f"<p>{say('nothing')}</p>"
    by_week: Counter[tuple[Load, int]] = Counter()
    for each in figures.asked:
        day = (each.by.found_at.astimezone(figures.zone).date() - EPOCH).days
        by_week[each.load, day // 7] += 1

    def rates(counts: Mapping[int, int]) -> list[float | None]:
        days = figures.tally.weeks
        return [100 * counts.get(w, 0) * 7 / days[w] if days[w] else None for w in weeks]

    rows = [
        Line(WORDS[str(load)], rates({w: by_week[load, w] for w in weeks}), COLOURS[load])
        for load in Load
    ]
    rows.append(Line(WORDS["naive"], rates(figures.tally.naive_weeks), PLAIN))
    first, last = ((EPOCH + timedelta(days=7 * week)).isoformat() for week in (weeks[0], weeks[-1]))
    return lines(rows, (first, last))


def _changes(figures: Figures) -> str:
    if not figures.against:
        return f"<p>{say('nothing')}</p>"
    counts = Counter((each.spell.rule, each.change) for each in figures.against)
    head = "".join(f'<th class="number">{say(change)}</th>' for change in CHANGES)
    body = "".join(
        f"<tr><td>{escape(rule)}</td>"
        + "".join(f'<td class="number">{counts[rule, change]:,}</td>' for change in CHANGES)
        + "</tr>"
        for rule in sorted({rule for rule, _ in counts})
    )
    table = f"<table><tr><th>{say('rule')}</th>{head}</tr>{body}</table>"
    return table + _listed(figures)


def _listed(figures: Figures) -> str:
    keys = ("resident", "rule", "found", "change", "by")
    head = "".join(f"<th>{say(key)}</th>" for key in keys)
    body = "".join(
        f"<tr><td>{escape(each.spell.resident)}</td><td>{escape(each.spell.rule)}</td>"
        f"<td>{each.spell.found_at.astimezone(figures.zone):%Y-%m-%d %H:%M}</td>"
        f"<td>{say(each.change)}</td><td>{each.by or ''}</td></tr>"
        for each in figures.against[:ROWS_MAX]
    )
    more = f'<p class="note">{say("more")}</p>' if len(figures.against) > ROWS_MAX else ""
    return f"<table><tr>{head}</tr>{body}</table>{more}"


def _per_resident(figures: Figures) -> str:
    drawn_columns = []
    for load in Load:
        own = Counter(each.by.resident for each in figures.asked if each.load is load)
        drawn_columns.append(
            f"<div><h3>{say(str(load))}</h3>"
            + columns(*_distribution(own.values(), figures.tally.residents), COLOURS[load])
            + "</div>"
        )
    return f'<div class="three">{"".join(drawn_columns)}</div>'


def _distribution(counts: Iterable[int], residents: int) -> tuple[list[str], list[int]]:
    """Return the labels of the columns and how many residents fall into each."""
    held = list(counts)
    held += [0] * (residents - len(held))
    labels, totals = [], []
    for low, high in STEPS:
        labels.append(f"{low}" if low == high else f"{low}+" if high is None else f"{low}–{high}")
        totals.append(
            sum(low <= count <= (high or count) for count in held) if low else held.count(0)
        )
    return labels, totals


def _examples(examples: Sequence[Example], figures: Figures) -> str:
    shown = []
    for example in examples:
        charts = "".join(
            f"<figure><figcaption>{say('pressure' if kind == 'blood_pressure' else 'glucose')}"
            f"</figcaption>{chart}</figure>"
            for kind, chart in drawn(example, figures.zone)
        )
        counts = Counter(each.load for each in example.asked)
        words = both(
            " · ".join(f"{WORDS[str(load)].zh} {counts[load]}" for load in Load),
            " · ".join(f"{WORDS[str(load)].en} {counts[load]}" for load in Load),
        )
        shown.append(f'<h3>{escape(example.name)}</h3><p class="note">{words}</p>{charts}')
    return "".join(shown) or f"<p>{say('nothing')}</p>"
