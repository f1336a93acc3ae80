"""Draws the life of an episode from the table that it lives by: docs/episodes.svg.

The boxes have their places here; every arrow, and every word on one, comes from `TRANSITIONS`. With
`--check` nothing is written, and the exit code is 1 when the picture is out of date.
"""

import sys
from collections.abc import Iterator
from html import escape
from math import hypot
from pathlib import Path
from typing import Final

from generated import write_or_compare

from yikao_alerts.episode import ACTIVE, TRANSITIONS, Event, State

PICTURE: Final = Path(__file__).parent / "episodes.svg"
WIDTH, HEIGHT = 1420, 760
BOX_W, BOX_H, DOT_R = 150, 58, 9
LOOP_H, BEND, LINE_H = 62, 30, 16
HAN_W, LATIN_W = 13.2, 7.6
"""Widths of a letter, for the ground behind the words on an arrow."""

PLACES: Final = {
    State.NONE: (40, 320),
    State.SUSPECTED: (235, 100),
    State.DISMISSED: (690, 100),
    State.OPEN: (440, 320),
    State.ANSWERED: (900, 320),
    State.WATCHING: (1080, 620),
    State.RESOLVED: (1320, 320),
    State.EXPIRED: (1320, 100),
}
LOOPS_ABOVE: Final = frozenset({State.ANSWERED})
STATE_WORDS: Final = {
    State.SUSPECTED: "等待复测",
    State.OPEN: "待处理，正在呼叫",
    State.ANSWERED: "已应答",
    State.WATCHING: "复查观察中",
    State.RESOLVED: "已结束",
    State.DISMISSED: "复测未达标",
    State.EXPIRED: "到期结束",
}
EVENT_WORDS: Final = {
    Event.SUSPICION: "首次超限",
    Event.FOUND: "判定成立",
    Event.NOT_CONFIRMED: "复测未达标",
    Event.JOINED: "新读数并入",
    Event.WORSENED: "加重",
    Event.ESCALATED: "复测升级",
    Event.DOWNGRADED: "降为今日",
    Event.CALLED_AGAIN: "再次求助",
    Event.TAKEN: "接手",
    Event.ACKNOWLEDGED: "有人应答",
    Event.HANDED_OVER: "转交",
    Event.SNOOZED: "静默",
    Event.REOPENED: "重新呼叫",
    Event.WATCHED: "开始复查",
    Event.MEASURED: "复查结束",
    Event.NORMAL_AGAIN: "连续达标",
    Event.CLOSED: "医生结束",
    Event.TIMED_OUT: "24 小时无变化",
}
STYLE: Final = """\
    svg { --page:#f6f8f8; --box:#fff; --edge:#9fb3b3; --ink:#12202b; --soft:#4a5b66;
          --go:#0b6e75; --call:#b3261e }
    @media (prefers-color-scheme: dark) {
      svg { --page:#10181c; --box:#1b262b; --edge:#4d6168; --ink:#eef4f4; --soft:#a9bac0;
            --go:#57c4cb; --call:#ff8f85 }
    }
    text { font-family: system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
           font-size: 13px; text-anchor: middle; fill: var(--ink) }
    .page { fill: var(--page) }
    .box { fill: var(--box); stroke: var(--edge); stroke-width: 1.5 }
    .active { stroke: var(--go) }
    .open { stroke: var(--call); stroke-width: 2.5 }
    .dot { fill: var(--ink) }
    .zh { font-size: 16px; font-weight: 600 }
    .en { fill: var(--soft) }
    path { fill: none; stroke: var(--go); stroke-width: 1.8; marker-end: url(#a) }
    polygon { fill: var(--go) }"""
SVG: Final = 'xmlns="http://www.w3.org/2000/svg"'
ARROWHEAD: Final = (
    '<marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto"><polygon points="0,0 10,5 0,10"/></marker>'
)


def picture() -> str:
    """Return the whole picture, the same for the same table."""
    arrows: dict[tuple[State, State], list[Event]] = {}
    for (before, event), after in TRANSITIONS.items():
        arrows.setdefault((before, after), []).append(event)
    lines = [
        f'<svg {SVG} viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">',
        '  <title id="t">一次告警的经过 The life of an episode</title>',
        f'  <desc id="d">{escape(_told())}</desc>',
        f"  <style>\n{STYLE}\n  </style>",
        f"  <defs>{ARROWHEAD}</defs>",
        f'  <rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="14"/>',
    ]
    said: list[str] = []
    for (before, after), events in arrows.items():
        path, (x, y) = _arrow(before, after, both=(after, before) in arrows)
        lines.append(f'  <path d="{path}"/>')
        # The words on a loop hang below it, or stand above, however many they are.
        beyond = (len(events) - 2) * LINE_H / 2 if before is after else 0
        said += _label(events, (x, y - beyond if before in LOOPS_ABOVE else y + beyond))
    lines += [line for state in PLACES for line in _state(state)]
    return "\n".join([*lines, *said, "</svg>", ""])


def _told() -> str:
    """Return the table in words, for those who cannot see the picture."""
    return "; ".join(
        f"{before}, {event}: {after}" for (before, event), after in TRANSITIONS.items()
    )


def _state(state: State) -> Iterator[str]:
    x, y = PLACES[state]
    if state is State.NONE:
        yield f'  <circle class="dot" cx="{x}" cy="{y}" r="{DOT_R}"/>'
        return
    kind = " open" if state is State.OPEN else " active" if state in ACTIVE else ""
    yield (
        f'  <rect class="box{kind}" x="{x - BOX_W // 2}" y="{y - BOX_H // 2}" '
        f'width="{BOX_W}" height="{BOX_H}" rx="10"/>'
    )
    yield f'  <text class="zh" x="{x}" y="{y - 3}">{STATE_WORDS[state]}</text>'
    yield f'  <text class="en" x="{x}" y="{y + 17}">{state}</text>'


def _label(events: list[Event], middle: tuple[float, float]) -> Iterator[str]:
    x, y = middle
    top = y + 5 - (len(events) - 1) * LINE_H / 2
    for number, event in enumerate(events):
        words, line = f"{EVENT_WORDS[event]} {event}", top + number * LINE_H
        width = sum(LATIN_W if letter.isascii() else HAN_W for letter in words)
        left, high = x - width / 2, line - 12
        yield (
            f'  <rect class="page" x="{left:.0f}" y="{high:.0f}" width="{width:.0f}" '
            f'height="{LINE_H}"/>'
        )
        yield f'  <text x="{x:.0f}" y="{line:.0f}">{words}</text>'


def _arrow(before: State, after: State, *, both: bool) -> tuple[str, tuple[float, float]]:
    """Return the line of an arrow, and where its words stand; two ways between two boxes bend."""
    if before is after:
        x, y = PLACES[before]
        way = -1 if before in LOOPS_ABOVE else 1
        edge, left, right = y + way * BOX_H // 2, x - BOX_W // 5, x + BOX_W // 5
        far = edge + way * LOOP_H
        return f"M{left} {edge} C{left} {far} {right} {far} {right} {edge}", (x, far + way * 2)
    (x1, y1), (x2, y2) = _border(before, after), _border(after, before)
    if not both:
        return f"M{x1:.0f} {y1:.0f} L{x2:.0f} {y2:.0f}", ((x1 + x2) / 2, (y1 + y2) / 2)
    length = hypot(x2 - x1, y2 - y1)
    aside = ((y2 - y1) / length * BEND, -(x2 - x1) / length * BEND)
    x1, x2 = x1 + aside[0] / 2, x2 + aside[0] / 2
    y1, y2 = y1 + aside[1] / 2, y2 + aside[1] / 2
    top = ((x1 + x2) / 2 + aside[0], (y1 + y2) / 2 + aside[1])
    return f"M{x1:.0f} {y1:.0f} Q{top[0]:.0f} {top[1]:.0f} {x2:.0f} {y2:.0f}", top


def _border(state: State, towards: State) -> tuple[float, float]:
    """Return where the line between two states' middles leaves the first one's shape."""
    (x, y), (tx, ty) = PLACES[state], PLACES[towards]
    dx, dy = tx - x, ty - y
    half_w, half_h = (DOT_R, DOT_R) if state is State.NONE else (BOX_W / 2, BOX_H / 2)
    part = min(half_w / abs(dx) if dx else 1, half_h / abs(dy) if dy else 1)
    return x + dx * part, y + dy * part


def main(arguments: list[str]) -> int:
    """Write the picture, or compare it; return the exit code."""
    return write_or_compare({PICTURE: picture()}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
