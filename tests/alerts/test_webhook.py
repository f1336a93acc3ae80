"""What a provider's answer means: only a positive word in its body is an acceptance."""

import pytest

from yikao_alerts.channels.http import RETRY_AFTER_MAX_S, Answer, retry_after_s
from yikao_alerts.channels.outcome import Delivered, Outcome, Permanent, Retryable
from yikao_alerts.channels.webhook import judge

TAKEN = b'{"accepted": true, "id": "p-1"}'


@pytest.mark.parametrize(
    ("status", "retry_after", "content", "outcome"),
    [
        (200, None, TAKEN, Delivered("p-1")),
        (202, None, b'{"accepted": true, "id": 17}', Delivered("17")),
        (200, None, b'{"accepted": false, "id": "p-1"}', Retryable("answered without accepting")),
        (200, None, b'{"accepted": "true", "id": "1"}', Retryable("answered without accepting")),
        (200, None, b'{"accepted": true}', Retryable("answered without accepting")),
        (200, None, b'{"accepted": true, "id": ""}', Retryable("answered without accepting")),
        (200, None, b'{"errcode": 40001}', Retryable("answered without accepting")),
        (200, None, b"[]", Retryable("answered something that is no JSON object")),
        (200, None, b"<html>", Retryable("answered something that is no JSON object")),
        (200, None, b"", Retryable("answered something that is no JSON object")),
        (200, None, b'"\xff"', Retryable("answered something that is no JSON object")),
        (200, None, b"[" * 60_000, Retryable("answered something that is no JSON object")),
        (301, None, TAKEN, Permanent("answered 301, which leads elsewhere; mend the address")),
        (307, None, TAKEN, Permanent("answered 307, which leads elsewhere; mend the address")),
        (408, None, b"", Retryable("answered 408")),
        (429, "7", b"", Retryable("answered 429", 7.0)),
        (429, None, b"", Retryable("answered 429")),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", b"", Retryable("answered 429")),
        (429, "\u00b2", b"", Retryable("answered 429")),
        (429, "-1", b"", Retryable("answered 429")),
        (503, "9" * 400, b"", Retryable("answered 503", RETRY_AFTER_MAX_S)),
        (500, None, TAKEN, Retryable("answered 500")),
        (400, None, TAKEN, Permanent("answered 400")),
        (401, "5", b"", Permanent("answered 401")),
        (404, None, b"", Permanent("answered 404")),
        (410, None, b"", Permanent("answered 410")),
    ],
)
def test_an_answer_is_judged_by_its_body(
    status: int, retry_after: str | None, content: bytes, outcome: Outcome
) -> None:
    assert judge(Answer(status, content, retry_after_s(retry_after))) == outcome
