"""Just enough of the web's language for one page at home: a request in, an answer out.

A connection carries one request and is closed, so that nothing waits for anything; whatever is
longer or slower than a person at a tablet could be is refused. Standard: RFC 9112, RFC 9110.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

HEAD_BYTES_MAX: Final = 16 * 1024
"""Request line and headers; a browser's are about 1 KiB."""
BODY_BYTES_MAX: Final = 8 * 1024
"""A form with every symptom chosen has less than 1 KiB."""
FIELDS_MAX: Final = 64
FORM_TYPE: Final = "application/x-www-form-urlencoded"
HTML: Final = "text/html; charset=utf-8"


class BadRequest(Exception):  # noqa: N818  it is the request that is bad
    """A request that is not answered as asked; `status` says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """What a browser asks; header names in lower case, a form's fields with all their values."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value, or None."""
        for pair in self.headers.get("cookie", "").split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value
        return None

    def one(self, name: str) -> str:
        """Return the first value of a field; empty when there is none."""
        return self.form.get(name, ("",))[0]


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered; `headers` beside those that every answer has."""

    status: HTTPStatus
    body: bytes = b""
    kind: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)


def see_other(path: str, **headers: str) -> Response:
    """Return the answer after which a browser shows `path`: loading anew repeats nothing then."""
    return Response(HTTPStatus.SEE_OTHER, headers={"Location": path, **headers})


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Return the next request; `reader` is to be made with the limit `HEAD_BYTES_MAX`.

    Raises `BadRequest`, and `ConnectionError` or `EOFError` when the browser has gone.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from error
    method, path, headers = _parse_head(head)
    body = await reader.readexactly(_length(headers)) if method == "POST" else b""
    form = _parse_form(body) if headers.get("content-type", "").startswith(FORM_TYPE) else {}
    return Request(method, path, headers, form)


def encode(response: Response, always: Mapping[str, str], *, with_body: bool) -> bytes:
    """Return the answer's bytes. always: headers of every answer."""
    headers = {
        "Content-Type": response.kind,
        "Content-Length": str(len(response.body)),
        "Connection": "close",
        **always,
        **response.headers,
    }
    lines = [f"HTTP/1.1 {response.status.value} {response.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join((*lines, "", "")).encode("latin-1")
    return head + response.body if with_body else head


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key = name.lower()
        if not colon or not name or name != name.strip() or key in headers:
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        headers[key] = value.strip()
    return words[0], urlsplit(words[1]).path, headers


def _length(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "")
    if not text.isascii() or not text.isdigit():
        raise BadRequest(HTTPStatus.LENGTH_REQUIRED)
    if len(text) > len(str(BODY_BYTES_MAX)) or int(text) > BODY_BYTES_MAX:
        raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(text)


def _parse_form(body: bytes) -> dict[str, tuple[str, ...]]:
    try:
        fields = parse_qs(
            body.decode("ascii"), max_num_fields=FIELDS_MAX, encoding="utf-8", errors="strict"
        )
    except ValueError as error:
        raise BadRequest(HTTPStatus.BAD_REQUEST) from error
    return {name: tuple(values) for name, values in fields.items()}
