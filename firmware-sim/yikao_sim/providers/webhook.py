"""The receiver of our own webhook: a path for each doctor, and a page only when it is exactly one.

The same page for the same doctor is accepted twice under one id, and rings once.
"""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from yikao_sim.phone.form import Page, Refusal, check
from yikao_sim.providers.provider import Handled, Message, Setup
from yikao_sim.providers.wire import Request, Response, answer_json

REMEMBERED_MAX: Final = 10_000
"""Pages remembered; sent again after that many others, a page would ring again."""


class WebhookReceiver:
    """Takes POSTs of pages to `/OWNER`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._known: OrderedDict[tuple[str, UUID], Message] = OrderedDict()
        self._count = 0

    def is_message(self, request: Request) -> bool:
        return request.method == "POST"

    def handle(self, request: Request, now_s: float) -> Handled:
        owner = request.path.removeprefix("/")
        page = self._read(owner, request, now_s)
        if isinstance(page, Refusal):
            return Handled(refused(page), fault=page.error, owner=owner)
        known = self._known.get((owner, page.page_id))
        if known is None:
            self._count += 1
        provider_id = known.provider_id if known else f"ring-{self._count}"
        message = Message(
            owner, page.text, page.link, provider_id, page.page_id, page.episode, page.attempt
        )
        self._known[owner, page.page_id] = message
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        accepted = answer_json(200, {"accepted": True, "id": provider_id})
        return Handled(accepted, message, repeated=known is not None, owner=owner)

    def refusal(self) -> Response:
        return answer_json(200, {"accepted": False, "error": "misbehaving on command"})

    def recipient_refused(self, request: Request) -> Response:
        return self.refusal()

    def expire(self) -> None:
        """Lose nothing: there are no tokens here."""

    def _read(self, owner: str, request: Request, now_s: float) -> Page | Refusal:
        if request.method != "POST":
            return Refusal(405, f"{request.method} is no way to page: POST")
        if not self._setup.knows(owner):
            known = ", ".join(sorted(self._setup.owners)) or "any"
            return Refusal(404, f"nobody called {owner!r} has a phone here: there is {known}")
        return check(request.headers, request.body, self._setup.secret, now_s)


def refused(refusal: Refusal) -> Response:
    """Return the answer that is no acceptance."""
    return answer_json(refusal.status, {"accepted": False, "error": refusal.error})
