"""The phone is strict: what is not exactly a page is refused, with what is wrong with it."""

import hashlib
import hmac
import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
from fix_sim_child import SimChild
from hypothesis import given
from hypothesis import strategies as st

from yikao_sim.phone.form import Page, Refusal, check

PAGE_ID = "3b241101-e2bb-4255-8caf-4136c566a962"
GOOD: dict[str, Any] = {
    "page_id": PAGE_ID,
    "episode": 7,
    "text": "【红】待处理",
    "link": "http://127.0.0.1:8321/p/token",
    "language": "zh",
    "attempt": 1,
}
HEADERS = {"content-type": "application/json", "idempotency-key": PAGE_ID}
SECRET = b"secret"
NOW_S = 1_700_000_000


def checked(values: object, headers: dict[str, str] = HEADERS) -> Page | Refusal:
    return check(headers, json.dumps(values).encode(), None, NOW_S)


def test_a_page_is_read() -> None:
    page = checked(GOOD)
    assert isinstance(page, Page)
    assert (str(page.page_id), page.episode, page.language) == (PAGE_ID, 7, "zh")


@pytest.mark.parametrize("name", GOOD)
def test_nothing_may_be_missing(name: str) -> None:
    refusal = checked({each: value for each, value in GOOD.items() if each != name})
    assert isinstance(refusal, Refusal) and refusal.status == 422
    assert name in refusal.error


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_id", "7"),
        ("episode", "7"),
        ("episode", -1),
        ("episode", True),
        ("text", ""),
        ("link", "/p/token"),
        ("link", "javascript:alert(1)"),
        ("language", "fr"),
        ("attempt", 0),
        ("attempt", None),
        ("extra", 1),
    ],
)
def test_nothing_may_be_wrong_or_unknown(name: str, value: object) -> None:
    refusal = checked(GOOD | {name: value})
    assert isinstance(refusal, Refusal) and refusal.status == 422
    assert name in refusal.error


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        (HEADERS | {"content-type": "text/plain"}, 415, "text/plain"),
        ({"idempotency-key": PAGE_ID}, 415, "Content-Type"),
        ({"content-type": "application/json"}, 422, "Idempotency-Key"),
        (HEADERS | {"idempotency-key": PAGE_ID.upper()}, 422, "Idempotency-Key"),
    ],
)
def test_the_headers_have_to_fit(headers: dict[str, str], status: int, said: str) -> None:
    refusal = checked(GOOD, headers)
    assert isinstance(refusal, Refusal) and refusal.status == status
    assert said in refusal.error


def signed(body: bytes, timestamp: str) -> dict[str, str]:
    digest = hmac.digest(SECRET, f"{timestamp}.".encode() + body, hashlib.sha256).hex()
    return HEADERS | {"x-yikao-timestamp": timestamp, "x-yikao-signature": f"sha256={digest}"}


def test_the_signature_is_over_time_and_body_with_the_secret() -> None:
    body = json.dumps(GOOD).encode()
    good = signed(body, str(NOW_S))
    assert isinstance(check(good, body, SECRET, NOW_S), Page)
    changed = check(good, body.replace(b"7", b"8", 1), SECRET, NOW_S)
    assert isinstance(changed, Refusal) and changed.status == 401
    bare = good | {"x-yikao-signature": good["x-yikao-signature"].removeprefix("sha256=")}
    for wrong in (HEADERS, bare):
        refusal = check(wrong, body, SECRET, NOW_S)
        assert isinstance(refusal, Refusal) and "X-Yikao-Signature" in refusal.error


@pytest.mark.parametrize("away_s", [-301, 301])
def test_what_is_sent_once_more_later_is_refused(away_s: int) -> None:
    body = json.dumps(GOOD).encode()
    refusal = check(signed(body, str(NOW_S + away_s)), body, SECRET, NOW_S)
    assert isinstance(refusal, Refusal) and "sent once more" in refusal.error
    assert isinstance(check(signed(body, str(NOW_S + away_s // 2)), body, SECRET, NOW_S), Page)


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "１"])
def test_a_timestamp_is_seconds(timestamp: str) -> None:
    body = json.dumps(GOOD).encode()
    refusal = check(signed(body, timestamp), body, SECRET, NOW_S)
    assert isinstance(refusal, Refusal) and "X-Yikao-Timestamp" in refusal.error


@given(st.binary())
def test_any_bytes_are_refused_with_a_reason(body: bytes) -> None:
    refusal = check(HEADERS, body, None, NOW_S)
    assert isinstance(refusal, Refusal) and refusal.status in (400, 422) and refusal.error


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 405),
        ("PUT", {"Content-Length": "0"}, 405),
        ("POST", {}, 411),
        ("POST", {"Content-Length": "many"}, 411),
        ("POST", {"Content-Length": "99999999"}, 413),
    ],
)
def test_over_the_wire_too_each_refusal_is_json_and_told(
    yikao_sim: Callable[..., SimChild], method: str, headers: dict[str, str], status: int
) -> None:
    child = yikao_sim("phone", "--listen", "127.0.0.1:0", "--json")
    address = child.until(ready=True)["listen"].removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.putrequest(method, "/dr-wang")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    assert (answer.status, told["accepted"]) == (status, False)
    assert child.until(event="refused")["said"] == told["error"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--listen", "0.0.0.0:0"], 1, "127.0.0.1 only"),
        (["--listen", "8322"], 2, "HOST:PORT"),
        (["--owner", "dr-wang"], 2, "answers:90"),
        (["--owner", "a/b=silent"], 2, "answers:90"),
        (["--misbehave", "429:soon"], 2, "429:SECONDS"),
        (["--misbehave-times", "0"], 2, "from 1"),
        (["--secret", "/nowhere/key"], 1, "/nowhere/key"),
        (["--log", "/nowhere/log"], 1, "/nowhere/log"),
    ],
)
def test_what_cannot_be_is_said_at_the_start(
    yikao_sim: Callable[..., SimChild], arguments: list[str], code: int, said: str
) -> None:
    child = yikao_sim("phone", "--listen", "127.0.0.1:0", *arguments)
    assert child.ends() == code
    assert said in child.errors()
