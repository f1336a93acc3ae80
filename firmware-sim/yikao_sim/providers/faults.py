"""The ways in which a provider fails, on command, so that a sender can be tested against each.

What each must mean to the sender: whatever is not taken is tried again or sent elsewhere; after
`hang`, `hang-after-headers` and `reset-after-body` nobody knows whether the message arrived.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from yikao_sim.providers.wire import Reply, Response, Silence, answer_json

RETRY_AFTER_MAX_S: Final = 3600
FORMS: Final = (
    "500, 503, 429, 429:SECONDS, hang, hang-after-headers, reset-after-body, refuse-200, "
    "refuse-recipient, not-json, redirect, token-expired, tls-self-signed, tls-expired or "
    "tls-wrong-name"
)
_WHY: Final = "misbehaving on command"


class Deed(enum.Enum):
    """What a fault does beside answering something fixed."""

    ANSWER = "the request is not read; the reply is fixed"
    TAKE = "the message arrives, and the reply replaces its answer"
    REFUSE = "the provider refuses, with a status of 200"
    REFUSE_RECIPIENT = "the provider agrees, and lists the recipient as refused"
    EXPIRE = "tokens expire before the request is looked at"
    TLS = "the connection shows another certificate"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail; `reply` for those that answer something of their own."""

    name: str
    deed: Deed
    reply: Reply = Silence.HANG


def _error(status: int, *headers: tuple[str, str]) -> Response:
    plain = answer_json(status, {"accepted": False, "error": _WHY})
    return Response(status, plain.body, headers=headers)


FAULTS: Final = {
    fault.name: fault
    for fault in (
        Fault("500", Deed.ANSWER, _error(500)),
        Fault("503", Deed.ANSWER, _error(503)),
        Fault("429", Deed.ANSWER, _error(429)),
        Fault("hang", Deed.ANSWER, Silence.HANG),
        Fault("hang-after-headers", Deed.TAKE, Silence.HANG_AFTER_HEADERS),
        Fault("reset-after-body", Deed.TAKE, Silence.RESET),
        Fault("refuse-200", Deed.REFUSE),
        Fault("refuse-recipient", Deed.REFUSE_RECIPIENT),
        Fault("not-json", Deed.ANSWER, Response(200, b"<h1>OK</h1>\n", "text/html")),
        Fault("redirect", Deed.ANSWER, Response(302, b"", headers=(("Location", "/moved"),))),
        Fault("token-expired", Deed.EXPIRE),
        Fault("tls-self-signed", Deed.TLS),
        Fault("tls-expired", Deed.TLS),
        Fault("tls-wrong-name", Deed.TLS),
    )
}


def parse_fault(text: str) -> Fault:
    """Return the fault that `text` names; refuses another with `ValueError`."""
    name, _, seconds = text.partition(":")
    if text in FAULTS:
        return FAULTS[text]
    if name == "429" and seconds.isdecimal() and int(seconds) <= RETRY_AFTER_MAX_S:
        return Fault(text, Deed.ANSWER, _error(429, ("Retry-After", seconds)))
    raise ValueError(f"{text!r} is none of {FORMS}")


class Mischief:
    """Fails so many messages on command, then behaves; `times` None: for ever."""

    def __init__(self, fault: Fault | None = None, times: int | None = None) -> None:
        self._fault = fault
        self._left = times

    def next(self, deeds: Iterable[Deed]) -> Fault | None:
        """Return how what comes now fails, if it is a fault of these kinds; None otherwise."""
        if self._fault is None or self._left == 0 or self._fault.deed not in deeds:
            return None
        if self._left is not None:
            self._left -= 1
        return self._fault
