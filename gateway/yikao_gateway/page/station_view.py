"""What a station says to whoever stands before it: hold your card, measure, it was kept.

No name, no value, and of the card its last digits only. The big words stand there in both languages
at once: whoever comes next has not chosen one.
"""

from datetime import datetime
from typing import Final

from yikao_gateway.household.station import StationNow, Step
from yikao_gateway.page.frame import LOCALES, OTHER, REFRESH_S, button_form, countdown, part
from yikao_gateway.page.html import NOTHING, Html, join, tag
from yikao_gateway.page.words import Words, load_words

TYPING_S: Final = 60
"""Without scripts the page is loaded anew no sooner while somebody may be typing a number."""


def station_refresh_s(station: StationNow) -> int:
    """Return how often a browser without scripts loads the page anew."""
    return TYPING_S if station.step is Step.INVITE else REFRESH_S


def station_part(station: StationNow, now: datetime, words: Words) -> Html:
    """Return what to do, and the field in which the reader types.

    The field is no part that is replaced: what is being typed stays.
    """
    return tag(
        "div",
        part("misread", _misread(station, words), role="alert"),
        part("station", _step(station, now, words), role="status"),
        _field(words),
        tag("p", words("station.help"), class_="emergency"),
        class_="help",
    )


def _step(station: StationNow, now: datetime, words: Words) -> Html:
    key, tail = f"station.{station.step.value}", station.tail
    other = load_words(OTHER[words.language])
    lines = [
        tag("h1", words(key, tail=tail)),
        tag("p", other(key, tail=tail), class_="other", lang=LOCALES[other.language]),
    ]
    to_do = tag("p", words(f"{key}_do"), class_="asked")
    if station.step is Step.MEASURE and station.until is not None:
        lines += [_until(station.until, now, words), to_do, _cancel(words)]
    else:
        lines.append(to_do)
    return tag("section", *lines, class_=f"ask station {station.step.value}")


def _until(until: datetime, now: datetime, words: Words) -> Html:
    at = tag("span", words("prompt.until_measure_again", at=words.time(until, now)))
    left_s = int((until - now).total_seconds())
    return tag("p", at, countdown(left_s, words("prompt.left")), class_="until")


def _cancel(words: Words) -> Html:
    return button_form("/card", words("station.cancel"), "plain", do="cancel")


def _misread(station: StationNow, words: Words) -> Html:
    if station.misread is None:
        return NOTHING
    other = load_words(OTHER[words.language])
    key = f"misread.{station.misread.value}"
    said = (tag("p", words(key)), tag("p", other(key), lang=LOCALES[other.language]))
    return tag("div", *said, class_="fault")


def _field(words: Words) -> Html:
    """Return the field that has the focus: a reader types the number and ends with Enter."""
    field = tag(
        "input",
        id="card",
        name="card",
        inputmode="numeric",
        autocomplete="off",
        spellcheck="false",
        autofocus=True,
    )
    label = tag("label", words("station.number"), for_="card")
    press = tag("button", words("station.send"), class_="button blue")
    return tag("form", join(label, field, press), method="post", action="/card", class_="scan")
