"""Cards to print and cut out: a code for the reader, the number below it, and a line for the name.

A page of HTML that needs nothing else, in the size of bank cards, ten on a sheet of A4. No name is
on it: whoever hands a card out writes it there by hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import segno

from yikao_devices.cards import grouped

QUIET: Final = 4
"""Light squares that a reader needs around a code (ISO/IEC 18004:2015, 6.3.8)."""
STYLE: Final = """
@page { size: A4; margin: 11mm 15mm; }
body { margin: 0; font-family: system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", \
"Noto Sans SC", sans-serif; color: #000; }
main { display: grid; grid-template-columns: 86mm 86mm; gap: 0 6mm; }
article { box-sizing: border-box; width: 86mm; height: 54mm; padding: 3mm; display: grid;
  grid-template-columns: 34mm 1fr; column-gap: 3mm; border: .2mm dashed #888; break-inside: avoid; }
svg { width: 34mm; height: 34mm; }
h1 { margin: 2mm 0 1mm; font-size: 13pt; } p { margin: 0 0 2mm; font-size: 9pt; }
.number { grid-column: 1 / 3; font-size: 13pt; font-variant-numeric: tabular-nums; }
.name { margin-top: 3mm; border-bottom: .2mm solid #000; }
"""


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card that was just made: its number, and what the registry calls its resident."""

    number: str
    resident: str


def sheet(cards: Iterable[NewCard]) -> str:
    """Return the page to print."""
    articles = "\n".join(map(_article, cards))
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>医靠 测量卡 · measuring cards</title><style>{STYLE}</style></head>"
        f"<body><main>\n{articles}\n</main></body></html>\n"
    )


def svg(number: str) -> str:
    """Return a number as a QR code, of which a quarter may be dirty, with its quiet zone."""
    code = segno.make_qr(number, error="q")
    return code.svg_inline(border=QUIET, light="#fff", omitsize=True)


def registry_lines(cards: Sequence[tuple[str, str]], since: str) -> str:
    """Return what to add to the registry file: digest and resident of each card, valid since."""
    return "\n".join(
        f'[[cards]]\ndigest = "{digest}"\nresident = {_toml(resident)}\nfrom = {since}\n'
        for digest, resident in cards
    )


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _article(card: NewCard) -> str:
    return (
        f"<article>{svg(card.number)}<div><h1>医靠 测量卡</h1>"
        "<p>先读卡，再量血压。<br>Hold it before the reader, then measure.</p>"
        f"<p>{escape(card.resident)}</p>"
        '<p class="name">姓名 Name</p></div>'
        f'<p class="number">{grouped(card.number)}</p></article>'
    )
