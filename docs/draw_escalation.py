"""Draws who is called when, from the policy that calls them: docs/escalation.svg.

Every bar comes from `escalation.toml`. With `--check` nothing is written, and the exit code is 1
when the picture is out of date.
"""

import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from generated import write_or_compare

from yikao_alerts.escalation import Policy, Step, load_policies
from yikao_alerts.rules.policy import NIGHT_BEGINS, RED

PICTURE: Final = Path(__file__).parent / "escalation.svg"
WIDTH, ROW_H, LEFT, RIGHT = 1000, 46, 250, 960
TOP, GAP, DOT_R = 76, 96, 9
RED_MIN: Final = 55
"""Minutes of the red chain that are drawn: the repetition is seen three times."""
WHO_WORDS: Final = {
    "own_doctor": ("签约医生", "own doctor"),
    "team": ("团队值班", "team on call"),
    "duty_doctor": ("中心值班医生", "duty doctor"),
    "duty_desk": ("值班台", "duty desk"),
    "specialist": ("专科（规则要求时）", "specialist, where a rule asks"),
}
STYLE: Final = """\
    svg { --page:#f6f8f8; --line:#c9d4d4; --ink:#12202b; --soft:#4a5b66; --red:#b3261e;
          --amber:#a15c00; --night:#e2e7ee }
    @media (prefers-color-scheme: dark) {
      svg { --page:#10181c; --line:#33434a; --ink:#eef4f4; --soft:#a9bac0; --red:#ff8f85;
            --amber:#ffbe6b; --night:#1d2933 }
    }
    text { font-family: system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
           font-size: 14px; fill: var(--ink) }
    .page { fill: var(--page) } .night { fill: var(--night) }
    .head { font-size: 17px; font-weight: 600 } .en { fill: var(--soft); font-size: 12px }
    .tick { fill: var(--soft); font-size: 12px; text-anchor: middle }
    line { stroke: var(--line); stroke-width: 1 }
    .red { fill: var(--red) } .amber { fill: var(--amber) }
    .again { fill: none; stroke: var(--red); stroke-width: 2 }
    .amber.again { fill: none; stroke: var(--amber) }
    .voice { font-size: 12px; text-anchor: middle }"""
SVG: Final = 'xmlns="http://www.w3.org/2000/svg"'


def picture() -> str:
    """Return the whole picture, the same for the same policies."""
    policies = load_policies()
    red, yellow = policies[RED], policies["today"]
    below = TOP + ROW_H * len(_rows(red)) + GAP
    height = below + ROW_H * len(_rows(yellow)) + 40
    lines = [
        f'<svg {SVG} viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t d">',
        '  <title id="t">呼叫谁，什么时候 Who is called when</title>',
        f'  <desc id="d">{escape(_told(red))}; {escape(_told(yellow))}</desc>',
        f"  <style>\n{STYLE}\n  </style>",
        f'  <rect class="page" width="{WIDTH}" height="{height}" rx="14"/>',
        *_head("红：立即，不分昼夜", "red: at once, day and night; minutes", TOP),
        *_scale(
            [(f"{minute}", minute / RED_MIN) for minute in _minutes(red)], TOP, len(_rows(red))
        ),
        *_marks(red, _red_times(red), "red", TOP),
        *_head("今日：定时汇总", "today: in digests, by the resident's clock", below),
        *_night(below, len(_rows(yellow))),
        *_scale(_hours(yellow), below, len(_rows(yellow))),
        *_marks(yellow, _digest_times(yellow), "amber", below),
    ]
    return "\n".join([*lines, "</svg>", ""])


def _told(policy: Policy) -> str:
    """Return the steps in words, for those who cannot see the picture."""
    unit = "digests" if policy.digest_at else "min"
    steps = ", ".join(
        f"{s.who}{f' by {s.by}' if s.by else ''} {s.after} {unit}" for s in policy.steps
    )
    return f"{steps}, the last again every {policy.repeat_every} {unit}"


def _rows(policy: Policy) -> list[str]:
    return list(dict.fromkeys(step.who for step in (*policy.steps, *policy.beside)))


def _minutes(policy: Policy) -> list[int]:
    last = policy.steps[-1].after
    again = range(last, RED_MIN, policy.repeat_every)
    return sorted({*(step.after for step in policy.steps), *again})


Mark = tuple[str, float, str | None, bool]
"""Whose row, where from 0 to 1, by which kind of contact, and whether it repeats."""


def _red_times(policy: Policy) -> Iterator[Mark]:
    last = policy.steps[-1]
    for step in (*policy.steps, *policy.beside):
        yield step.who, step.after / RED_MIN, step.by, False
    for minute in range(last.after + policy.repeat_every, RED_MIN, policy.repeat_every):
        yield last.who, minute / RED_MIN, None, True


def _digest_times(policy: Policy) -> Iterator[Mark]:
    """Yield a day's digests, for what was found in the night before it."""
    at = [place for _, place in _hours(policy)]
    for step in (*policy.steps, *policy.beside):
        yield step.who, at[step.after], step.by, False
    last: Step = policy.steps[-1]
    for place in at[last.after + 1 :]:
        yield last.who, place, None, True


def _hours(policy: Policy) -> list[tuple[str, float]]:
    return [(f"{at:%H:%M}", (at.hour + at.minute / 60) / 24) for at in policy.digest_at]


def _x(place: float) -> float:
    return LEFT + place * (RIGHT - LEFT)


def _head(zh: str, en: str, top: int) -> Iterator[str]:
    yield f'  <text class="head" x="30" y="{top - 38}">{zh}</text>'
    yield f'  <text class="en" x="{30 + 18 * len(zh)}" y="{top - 38}">{en}</text>'


def _scale(ticks: list[tuple[str, float]], top: int, rows: int) -> Iterator[str]:
    for words, place in ticks:
        x = _x(place)
        yield f'  <line x1="{x:.0f}" y1="{top}" x2="{x:.0f}" y2="{top + rows * ROW_H}"/>'
        yield f'  <text class="tick" x="{x:.0f}" y="{top - 8}">{words}</text>'


def _night(top: int, rows: int) -> Iterator[str]:
    for begin, end in ((0.0, 7 / 24), (NIGHT_BEGINS.hour / 24, 1.0)):
        x, width = _x(begin), _x(end) - _x(begin)
        yield (
            f'  <rect class="night" x="{x:.0f}" y="{top}" width="{width:.0f}" '
            f'height="{rows * ROW_H}"/>'
        )


def _marks(policy: Policy, marks: Iterator[Mark], tone: str, top: int) -> Iterator[str]:
    rows = _rows(policy)
    for number, who in enumerate(rows):
        zh, en = WHO_WORDS[who]
        y = top + number * ROW_H + ROW_H // 2
        yield f'  <text x="30" y="{y - 2}">{zh}</text>'
        yield f'  <text class="en" x="30" y="{y + 14}">{en}</text>'
    for who, place, by, again in marks:
        x, y = _x(place), top + rows.index(who) * ROW_H + ROW_H // 2
        kind = f"{tone} again" if again else tone
        yield f'  <circle class="{kind}" cx="{x:.0f}" cy="{y}" r="{DOT_R}"/>'
        if by is not None:
            yield f'  <text class="voice" x="{x:.0f}" y="{y + 22}">☎ {by}</text>'


def main(arguments: list[str]) -> int:
    """Write the picture, or compare it; return the exit code."""
    return write_or_compare({PICTURE: picture()}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
