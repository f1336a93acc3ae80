"""What all pages have in common: head, language button, big buttons, parts that keep up to date."""

from typing import Final

from yikao_gateway.page.html import NOTHING, Html, join, tag
from yikao_gateway.page.words import Words

REFRESH_S: Final = 10
"""How often a browser without scripts loads the first page anew; one with scripts asks more often,
and replaces only what has changed."""
OTHER: Final = {"zh": "en", "en": "zh"}
LOCALES: Final = {"zh": "zh-CN", "en": "en"}


def document(words: Words, *parts: str, live: bool = False, refresh_s: int = REFRESH_S) -> Html:
    """Return a whole page around `parts`. live: it keeps itself up to date."""
    refresh = tag("noscript", tag("meta", http_equiv="refresh", content=refresh_s))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", words("page.title")),
        tag("link", rel="icon", href="/icon.svg"),
        tag("link", rel="stylesheet", href="/page.css"),
        join(refresh, tag("script", src="/page.js", defer=True)) if live else NOTHING,
    )
    away = tag("p", words("page.away"), id="away", role="alert", hidden=True)
    body = tag("body", away, _header(words), tag("main", *parts, class_="live" if live else None))
    return join(Html("<!doctype html>"), tag("html", head, body, lang=LOCALES[words.language]))


def part(name: str, *children: str, role: str | None = None) -> Html:
    """Return a part of a live page, called `name`; the script looks for `data-part`."""
    return tag("div", *children, id=name, class_="part", data_part=True, role=role)


def link_button(path: str, text: str, colour: str) -> Html:
    """Return a link that looks like the button it is for a finger."""
    return tag("a", text, href=path, class_=f"button {colour}", id=f"to-{path.strip('/')}")


def button_form(path: str, text: str, colour: str, **fields: str) -> Html:
    """Return a button that does something: it sends `fields` to `path`."""
    hidden = [tag("input", type="hidden", name=key, value=value) for key, value in fields.items()]
    name = "-".join((path.strip("/"), *fields.values()))
    press = tag("button", text, class_=f"button {colour}", id=f"press-{name}")
    return tag("form", *hidden, press, method="post", action=path)


def countdown(left_s: int, label: str) -> Html:
    """Return a clock that runs down; not read aloud each second: the time of its end is."""
    minutes, seconds = divmod(max(0, left_s), 60)
    digits = tag("b", f"{minutes}:{seconds:02d}", data_left=left_s)
    return tag("span", f"{label} ", digits, class_="left", aria_hidden="true")


def _header(words: Words) -> Html:
    brand = tag(
        "a",
        tag("img", src="/icon.svg", alt="", width=40, height=40),
        tag("span", words("page.title")),
        href="/",
        class_="brand",
    )
    press = tag(
        "button",
        words("page.switch"),
        name="language",
        value=OTHER[words.language],
        aria_label=words("page.switch_label"),
        lang=LOCALES[OTHER[words.language]],
    )
    form = tag("form", press, method="post", action="/language", class_="language")
    return tag("header", brand, form)
