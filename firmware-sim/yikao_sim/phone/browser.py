"""How a doctor answers: opens the link in the page, looks for the form, and sends it.

It does what a browser does (cookies, redirects, the form's hidden fields, Origin and Fetch Metadata
headers), so that a page that a browser could not answer is not answered here either. Only links to
this very machine are opened.

Standards: Fetch, "append a request Origin header" (the origin is told as `null` by a page that
sends no referrer); W3C Fetch Metadata Request Headers.
"""

import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO, Final
from urllib.parse import urlencode, urljoin, urlsplit

from yikao_sim.phone.html_form import Seen, read_page
from yikao_sim.phone.loopback import is_loopback

CHOICE: Final = "disposition"
"""The field of the form in which a doctor says what was done."""
TIMEOUT_S: Final = 10.0
PAGE_MAX_BYTES: Final = 1024 * 1024
SAID_MAX: Final = 300
"""Characters of a page that are reported."""

FORM_TYPE: Final = "application/x-www-form-urlencoded"
NAVIGATION: Final = {
    "Accept": "text/html",
    "Accept-Language": "zh-CN, en;q=0.8",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "User-Agent": "yikao-sim",
}


class NotAnsweredError(Exception):
    """The page could not be answered; the message says what was seen instead."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that was opened: where it really was, what was on it, whether it sends a referrer."""

    address: str
    seen: Seen
    no_referrer: bool

    def said(self) -> str:
        return self.seen.words[:SAID_MAX]


def answer_page(link: str, disposition: str) -> str:
    """Open `link`, send its form with `disposition`, and return what the page then says.

    Raises `NotAnsweredError` when a page is not reached or not answered 200, or has no such form.
    """
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(), _Redirects()
    )
    page = _open(opener, link, None, {"Sec-Fetch-Site": "none"})
    form = page.seen.form_with(CHOICE)
    if form is None:
        raise NotAnsweredError(f"nothing to answer on the page: {page.said()}")
    choices = form.choices(CHOICE)
    if disposition not in choices:
        raise NotAnsweredError(f"the page offers {', '.join(choices)}, not {disposition}")
    content = urlencode([*form.hidden, (CHOICE, disposition)]).encode()
    return _open(opener, urljoin(page.address, form.action), content, _form_headers(page)).said()


def _form_headers(page: Opened) -> dict[str, str]:
    """Return the headers with which a browser sends a form of `page` to its own site."""
    where = urlsplit(page.address)
    origin = "null" if page.no_referrer else f"{where.scheme}://{where.netloc}"
    return {"Content-Type": FORM_TYPE, "Origin": origin, "Sec-Fetch-Site": "same-origin"}


def _open(
    opener: urllib.request.OpenerDirector,
    address: str,
    content: bytes | None,
    headers: dict[str, str],
) -> Opened:
    """Return the page at `address`, got, or with `content` posted to."""
    _check_address(address)
    request = urllib.request.Request(address, content, NAVIGATION | headers)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            seen = read_page(answer.read(PAGE_MAX_BYTES).decode("utf-8", "replace"))
            policy = answer.headers.get("Referrer-Policy", "")
            opened = Opened(answer.url, seen, policy == "no-referrer")
            status = answer.status
    except urllib.error.HTTPError as error:
        with error:
            seen = read_page(error.read(PAGE_MAX_BYTES).decode("utf-8", "replace"))
        raise NotAnsweredError(f"answered {error.code}: {seen.words[:SAID_MAX]}") from error
    except (OSError, HTTPException) as error:
        raise NotAnsweredError(f"not reached: {error}") from error
    if status != 200:
        raise NotAnsweredError(f"answered {status}, not 200")
    return opened


def _check_address(address: str) -> None:
    try:
        where = urlsplit(address)
        ours = where.scheme in ("http", "https") and is_loopback(where.hostname or "")
    except ValueError:
        ours = False
    if not ours:
        raise NotAnsweredError("the link leads away from this machine and is not opened")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, as a browser does, but never away from this machine."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
