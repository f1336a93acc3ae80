"""HTTP as a provider sees it: a request that was read whole, and what may be answered.

Standards: HTTP/1.1 (RFC 9112), JSON (RFC 8259).
"""

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `headers` by name in lower case, `path` and `query` decoded."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def fields(self) -> dict[str, Any] | None:
        """Return the JSON object in the body; None when there is none."""
        try:
            found: Any = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def answer_json(status: int, values: Mapping[str, Any]) -> Response:
    """Return an answer of JSON."""
    return Response(status, json.dumps(values, ensure_ascii=False).encode())


class Silence(enum.Enum):
    """No answer at all, or none that ends."""

    HANG = "the connection stays open and nothing comes"
    HANG_AFTER_HEADERS = "a status and headers come, a body never"
    RESET = "the connection is reset"


Reply = Response | Silence
