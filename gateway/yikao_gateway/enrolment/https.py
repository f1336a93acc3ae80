"""The two requests over HTTPS, with the standard library: bounded, and to a server that is proven.

Standards: RFC 9110 (HTTP), RFC 8446 (TLS 1.3).
"""

import http.client
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from yikao_devices.enrolment import ANSWER_BYTES_MAX, AUTHORITY_PATH
from yikao_gateway.errors import EnrolmentError, ServerUnreachable

TIMEOUT_S: Final = 10.0
"""For connecting, and for each silence."""
GOOD: Final = 200


@dataclass(frozen=True, slots=True)
class Server:
    """Where certificates are given."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As it was named."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"


def server_at(url: str) -> Server:
    """Return the server that an address names. Raises `ValueError`, which says what to write."""
    wanted = "write the server's address as https://HOST:PORT"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(wanted) from error
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.username:
        raise ValueError(wanted)
    return Server(parts.hostname, port or http.client.HTTPS_PORT)


def offered_authority(server: Server) -> bytes:
    """Return the certificate (PEM) of the authority that the server says is its own.

    From whomever: nothing is told here, and who it is shows in the claim code.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    status, body = _ask(server, context, "GET", AUTHORITY_PATH, b"")
    if status != GOOD:
        raise ServerUnreachable(f"{server.url} answers {status}: is it `yikao enrol`?")
    return body


def post(server: Server, trust: bytes, path: str, body: bytes) -> tuple[int, bytes]:
    """Return status and body of an answer from this server, proven by one of `trust` (PEM).

    Raises `ServerUnreachable`, and `EnrolmentError` where `trust` is none.
    """
    try:
        context = ssl.create_default_context(cadata=trust.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise EnrolmentError("the file of authorities cannot be read: name one in PEM") from error
    return _ask(server, context, "POST", path, body)


def _ask(
    server: Server, context: ssl.SSLContext, method: str, path: str, body: bytes
) -> tuple[int, bytes]:
    line = http.client.HTTPSConnection(server.host, server.port, timeout=TIMEOUT_S, context=context)
    try:
        headers = {"content-type": "application/json"} if body else {}
        line.request(method, path, body or None, headers)
        answer = line.getresponse()
        content = answer.read(ANSWER_BYTES_MAX + 1)
    except ssl.SSLCertVerificationError as error:
        raise ServerUnreachable(
            f"{server.url} cannot prove who it is ({error.verify_message}): is this its right "
            "name, is this machine's clock right, does a proxy stand before it (--ca FILE)?"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = str(error) or type(error).__name__
        raise ServerUnreachable(f"{server.url} does not answer ({why})") from error
    finally:
        line.close()
    if len(content) > ANSWER_BYTES_MAX:
        raise ServerUnreachable(f"{server.url} answers too much: is it `yikao enrol`?")
    return answer.status, content
