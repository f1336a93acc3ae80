"""The pages on which a person decides something: call me, what do you feel, which digits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from yikao_devices.symptoms import CALL_ME, SYMPTOM_WORDS
from yikao_gateway.page.frame import button_form, document, link_button
from yikao_gateway.page.html import NOTHING, Html, tag
from yikao_gateway.page.view import full_name
from yikao_gateway.page.words import Words
from yikao_gateway.visits.known_devices import KnownDevice

CHOICES: Final = tuple(code for code in SYMPTOM_WORDS if code != CALL_ME)
DIGITS: Final = 6


def call_page(words: Words) -> Html:
    """Return the question that is asked before the doctor is called."""
    return document(
        words,
        tag("h1", words("call.title")),
        tag("p", words("call.danger"), class_="danger"),
        button_form("/call", words("call.yes"), "red"),
        link_button("/", words("call.no"), "plain"),
    )


def feel_page(
    devices: Sequence[tuple[KnownDevice, datetime]], words: Words, fault: str | None = None
) -> Html:
    """Return the list of symptoms; with several devices also the question whose they are."""
    if not devices:
        return message_page(words("feel.no_device"), words)
    lines = [
        tag("h1", words("feel.title")),
        tag("p", words("call.danger"), class_="danger"),
        _fault(fault, words),
        _whose(devices, words),
        tag("p", words("feel.hint")),
        tag("div", *(_symptom(code, words) for code in CHOICES), class_="choices"),
        link_button("/", words("page.back"), "plain"),
        tag("div", tag("button", words("feel.send"), class_="button red"), class_="at-hand"),
    ]
    return document(words, tag("form", *lines, method="post", action="/feel"))


def passkey_page(address: str, name: str, words: Words, fault: str | None = None) -> Html:
    """Return the field for the digits that a device shows, which people call `name`."""
    label = words("pair.label", device=name)
    field = tag(
        "input",
        id="digits",
        name="digits",
        inputmode="numeric",
        autocomplete="off",
        pattern=f"[0-9]{{{DIGITS}}}",
        maxlength=DIGITS,
        required=True,
        autofocus=True,
    )
    lines = [
        tag("h1", tag("label", label, for_="digits")),
        _fault(fault, words),
        tag("input", type="hidden", name="address", value=address),
        field,
        tag("button", words("pair.send"), class_="button blue"),
        link_button("/", words("page.back"), "plain"),
    ]
    return document(words, tag("form", *lines, method="post", action="/passkey"))


def message_page(text: str, words: Words) -> Html:
    """Return a page that says one thing, and the way back."""
    back = link_button("/", words("page.back"), "plain")
    return document(words, tag("h1", text), back)


def _symptom(code: str, words: Words) -> Html:
    box = tag("input", type="checkbox", name="symptom", value=code)
    text = SYMPTOM_WORDS[code].zh if words.language == "zh" else SYMPTOM_WORDS[code].en
    return tag("label", box, tag("span", text), class_="choice")


def _whose(devices: Sequence[tuple[KnownDevice, datetime]], words: Words) -> Html:
    """Return the question whose they are: the device stands for the person who uses it."""
    if len(devices) == 1:
        return tag("input", type="hidden", name="device", value=devices[0][0].address)
    choices = []
    for device, _ in devices:
        # None is chosen beforehand: of two people the wrong one would be called.
        button = tag("input", type="radio", name="device", value=device.address, required=True)
        name = tag("span", full_name(device, words))
        choices.append(tag("label", button, name, class_="choice"))
    legend = tag("legend", words("feel.whose"))
    return tag("fieldset", legend, tag("div", *choices, class_="choices"))


def _fault(key: str | None, words: Words) -> Html:
    return tag("p", words(key), class_="fault", role="alert") if key else NOTHING
