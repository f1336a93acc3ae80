"""The ways in which a provider fails, on command, so that a sender can be tested against each.

What each must mean to the sender: 500, 429, refuse-200, not-json and redirect are no acceptance
and may be tried again; after hang and reset-after-body nobody knows whether the page arrived.
"""

from dataclasses import dataclass
from typing import Final

from yikao_sim.phone.form import Response, refused

RETRY_AFTER_MAX_S: Final = 3600
FORMS: Final = "500, 429:SECONDS, hang, reset-after-body, refuse-200, not-json or redirect"

_WHY: Final = "misbehaving on command"
_ANSWERS: Final = {
    "500": refused(500, _WHY),
    "refuse-200": refused(200, _WHY),
    "not-json": Response(200, b"<h1>OK</h1>\n", "text/html"),
    "redirect": Response(302, b"", headers=(("Location", "/moved"),)),
}


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer at all: the connection stays open (`hang`), or is reset."""

    hang: bool


Reply = Response | Silence


@dataclass(frozen=True, slots=True)
class Mishap:
    """One way to fail; `rings` when the page arrives all the same and only the answer is lost."""

    name: str
    reply: Reply
    rings: bool = False


def parse_mishap(text: str) -> Mishap:
    """Return the mishap that `text` names; refuses another with `ValueError`."""
    name, _, seconds = text.partition(":")
    match name:
        case "429" if seconds.isdecimal() and int(seconds) <= RETRY_AFTER_MAX_S:
            answer = refused(429, _WHY)
            return Mishap(text, Response(429, answer.body, headers=(("Retry-After", seconds),)))
        case "hang" if not seconds:
            return Mishap(text, Silence(hang=True))
        case "reset-after-body" if not seconds:
            return Mishap(text, Silence(hang=False), rings=True)
        case _ if text in _ANSWERS:
            return Mishap(text, _ANSWERS[text])
        case _:
            raise ValueError(f"{text!r} is none of {FORMS}")
