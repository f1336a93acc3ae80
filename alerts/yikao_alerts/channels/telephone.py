"""The channel of text messages and the channel of calls: a cloud's format, and the network.

The formats are in `sms` and `voice`; this hands a request over, reads the answer, and asks later
what became of it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from yikao_alerts.channels.addresses import is_number
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.cloud import Message, Signed, Vendor
from yikao_alerts.channels.http import NOT_JSON, Answer, Failure, Http
from yikao_alerts.channels.outcome import Delivered, Outcome, Permanent, Retryable
from yikao_alerts.channels.receipt import ASK_AT_ONCE, Handed, Receipt
from yikao_alerts.channels.template import Templates, fill
from yikao_alerts.reply import reply_code


def real_now() -> datetime:
    """Return the time that a cloud compares a signature with."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Telephone:
    """Sends pages by a cloud; `templates` by language, `reply_secret` makes the answer's code."""

    vendor: Vendor
    templates: Mapping[str, Templates]
    reply_secret: bytes = field(repr=False)
    http: Http = field(default_factory=Http)
    now: Callable[[], datetime] = real_now

    async def send(self, page: OutgoingPage) -> Outcome:
        """Hand the page over and read the acceptance from the answer's body."""
        templates = self.templates.get(page.language)
        template = None if templates is None else templates.of(page)
        if not is_number(page.address):
            return Permanent("the contact's address is no telephone number; mend the registry")
        if template is None:
            return Permanent(f"no template for such a page in {page.language!r} is set up")
        code = reply_code(self.reply_secret, page.page_id, page.address)
        filled = fill(template, page, code)
        message = Message(page.address, template.number, filled, str(page.page_id))
        answer = await self._post(self.vendor.send(message, self.now()))
        return self._judge(answer) if isinstance(answer, Answer) else answer

    def _judge(self, answer: Answer) -> Outcome:
        failure, fields = answer.failure(), answer.fields()
        if fields is None or isinstance(failure, Retryable):
            return failure or NOT_JSON
        # Both clouds say why they refuse in the body, also under a status of 4xx.
        judged = self.vendor.judge(fields)
        if judged is None or (failure and isinstance(judged, Delivered)):
            return failure or Retryable("answered without a code")
        return judged

    async def receipts(self, handed: Sequence[Handed]) -> Sequence[Receipt]:
        """Return what is known by now of the first `ASK_AT_ONCE`."""
        found = await asyncio.gather(*(self._receipt(each) for each in handed[:ASK_AT_ONCE]))
        return [receipt for receipt in found if receipt is not None]

    async def _receipt(self, handed: Handed) -> Receipt | None:
        question = self.vendor.ask(handed, self.now())
        if question is None:
            return None
        answer = await self._post(question)
        if not isinstance(answer, Answer) or answer.failure() is not None:
            return None
        return self.vendor.receipt(answer.fields(), handed)

    async def _post(self, request: Signed) -> Answer | Failure:
        return await self.http.talk().post(request.url, request.body, request.headers)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.http.close()
