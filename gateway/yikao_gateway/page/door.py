"""Who is let in to the page, and what browsers are told about it.

Nobody has to know a password to ask for help. So a page of somebody else's, opened on the same
tablet, must not be able to press our buttons: only our own page may (Fetch Metadata, and Origin of
RFC 6454), and only under a name that no foreign server can give this machine (DNS rebinding).
"""

from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from yikao_gateway.page.http import Request

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SERVER: Final = "yikao-gateway"
HEADERS: Final[Mapping[str, str]] = {
    "Server": SERVER,
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would take the Origin away from our own forms as well.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HOME_SUFFIX: Final = ".local"
"""Names of RFC 6762: a home's own, given out by nobody outside."""


def refusal(request: Request, *, anywhere: bool) -> HTTPStatus | None:
    """Return why a request is not answered; None when it may come in.

    anywhere: the page is for the whole home, not for this machine alone.
    """
    host = request.headers.get("host", "")
    if not _is_ours(host, anywhere=anywhere):
        return HTTPStatus.MISDIRECTED_REQUEST
    if request.method == "POST":
        return None if _is_own_page(request, host) else HTTPStatus.FORBIDDEN
    return None if request.method in ("GET", "HEAD") else HTTPStatus.METHOD_NOT_ALLOWED


def _is_ours(host: str, *, anywhere: bool) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback or anywhere
    except ValueError:
        return anywhere and bool(name) and ("." not in name or name.endswith(HOME_SUFFIX))


def _is_own_page(request: Request, host: str) -> bool:
    """Return whether one of our own pages sent the form; old browsers say it by Origin only."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("origin") == f"http://{host}"
