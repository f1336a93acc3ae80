"""Text on a terminal: how wide it is, wrapped, boxed, and unable to give the terminal orders.

A Chinese character is two columns wide (Unicode Standard Annex 11, East Asian Width).
"""

import unicodedata

WIDE = "WF"


def plain(text: str) -> str:
    """Return `text` on one line, with control characters shown as `?`."""
    one_line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in one_line)


def columns(text: str) -> int:
    """Return how many columns `text`, printable, takes."""
    return sum(_width(letter) for letter in text)


def wrap(text: str, width: int) -> list[str]:
    """Return `text` in lines of at most `width` columns, at least one; words may be cut."""
    lines = [""]
    room = width
    for letter in text:
        need = _width(letter)
        if need > room:
            lines.append("")
            room = width
        lines[-1] += letter
        room -= need
    return lines


def box(paragraphs: list[str], width: int) -> str:
    """Return `paragraphs` in a frame that is `width` columns wide."""
    inner = width - 4
    rows = [line for paragraph in paragraphs for line in wrap(paragraph, inner)]
    body = [f"│ {row}{' ' * (inner - columns(row))} │" for row in rows]
    edge = "─" * (width - 2)
    return "\n".join([f"┌{edge}┐", *body, f"└{edge}┘"])


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in WIDE else 1
