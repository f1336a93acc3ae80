"""The door of a provider: what comes in is answered, or made to fail, and is told to whoever asks.

Everything here happens in one event loop; the server before it reads and writes.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from yikao_sim.providers.faults import Deed, Fault, Mischief
from yikao_sim.providers.provider import Handled, Message, Provider
from yikao_sim.providers.wire import Reply, Request, Response, answer_json

TAKEN_MAX: Final = 10_000
"""Messages remembered for whoever looks at them afterwards."""
AT_MESSAGES: Final = frozenset(Deed) - {Deed.TLS}

NOTHING: Final = Response(204, b"")

Heard = Callable[[Handled, Fault | None], None]
"""Told of each message or refusal, and of the fault that was made, if any."""


def _nobody(_: Handled, __: Fault | None) -> None:
    """Listen to nothing."""


@dataclass(slots=True)
class Door:
    """A provider with a clock, faults on command, and a record of what arrived."""

    provider: Provider
    mischief: Mischief = field(default_factory=Mischief)
    heard: Heard = _nobody
    now_s: Callable[[], float] = time.time
    taken: deque[Message] = field(default_factory=lambda: deque(maxlen=TAKEN_MAX))
    counts: Counter[str] = field(default_factory=Counter)
    """Messages by what became of them: taken, repeated, refused, and faults by name; any other
    request by method and path."""

    def receive(self, request: Request) -> Reply:
        """Return what to answer."""
        if not self.provider.is_message(request):
            self.counts[f"{request.method} {request.path}"] += 1
            return self._handled(self.provider.handle(request, self.now_s()), None).response
        fault = self.mischief.next(AT_MESSAGES)
        if fault is None:
            return self._handled(self.provider.handle(request, self.now_s()), None).response
        self.counts[fault.name] += 1
        return self._misbehave(request, fault)

    def _misbehave(self, request: Request, fault: Fault) -> Reply:
        match fault.deed:
            case Deed.REFUSE:
                reply: Reply = self.provider.refusal()
            case Deed.REFUSE_RECIPIENT:
                reply = self.provider.recipient_refused(request)
            case Deed.EXPIRE:
                self.provider.expire()
                handled = self.provider.handle(request, self.now_s())
                return self._handled(handled, fault).response
            case Deed.TAKE:
                self._handled(self.provider.handle(request, self.now_s()), fault)
                return fault.reply
            case _:
                reply = fault.reply
        # The provider never sees the request: it must not remember what it has not taken.
        self.heard(Handled(NOTHING, owner=request.path.removeprefix("/")), fault)
        return reply

    def _handled(self, handled: Handled, fault: Fault | None) -> Handled:
        if handled.fault:
            self.counts["refused"] += 1
        if handled.message is not None:
            self.counts["repeated" if handled.repeated else "taken"] += 1
            if not handled.repeated:
                self.taken.append(handled.message)
        if handled.fault or handled.message or fault:
            self.heard(handled, fault)
        return handled

    def refuse(self, status: int, why: str) -> Reply:
        """Refuse what is no request at all, and say so here too."""
        response = answer_json(status, {"accepted": False, "error": why})
        return self._handled(Handled(response, fault=why), None).response
