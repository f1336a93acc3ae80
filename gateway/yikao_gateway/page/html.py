"""Writes HTML so that no text can become markup: strings are escaped, only elements are not.

Source: HTML Living Standard, 13.3 (serialising), attributes always in double quotes.
"""

from typing import Final

_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
)
_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


NOTHING: Final = Html()


def tag(element: str, /, *children: str, **attributes: str | int | bool | None) -> Html:
    """Return an element. Of an attribute's name `class_` is class and `data_left` data-left; True
    writes the name alone, False and None leave it out."""
    told = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_text(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if element in _VOID:
        return Html(f"<{element}{told}>")
    return Html(f"<{element}{told}>{join(*children)}</{element}>")


def join(*parts: str) -> Html:
    """Return the parts one after the other, escaped where they are text."""
    return Html("".join(part if isinstance(part, Html) else _text(part) for part in parts))


def _text(value: str | int) -> str:
    return str(value).translate(_ESCAPES)
