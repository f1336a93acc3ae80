"""The page's door and its language: who is let in, and that nothing malformed gets further."""

import asyncio
import logging
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_parts import LOOPBACK, PageHome, page_home

from yikao_gateway.errors import PageUnavailable
from yikao_gateway.page.door import HEADERS, refusal
from yikao_gateway.page.http import (
    BODY_BYTES_MAX,
    FORM_TYPE,
    HEAD_BYTES_MAX,
    BadRequest,
    Request,
    read_request,
)
from yikao_gateway.page.server import serving, try_page
from yikao_gateway.settings_values import PageAddress

STORY_MAX_S = 20.0


@pytest.mark.parametrize(
    ("host", "here", "anywhere"),
    [
        ("127.0.0.1:8089", True, True),
        ("localhost:8089", True, True),
        ("[::1]:8089", True, True),
        ("192.168.1.9:8089", False, True),
        ("yikao.local:8089", False, True),
        ("yikao", False, True),
        ("evil.example:8089", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("", False, False),
        ("[::1", False, False),
    ],
)
def test_only_names_that_no_stranger_gives_are_answered(
    host: str, here: bool, anywhere: bool
) -> None:
    request = Request("GET", "/", {"host": host})
    assert (refusal(request, anywhere=False) is None) is here
    assert (refusal(request, anywhere=True) is None) is anywhere


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "http://127.0.0.1:8089"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8089"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://127.0.0.1:8090"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_our_own_page_presses_a_button(headers: dict[str, str], let_in: bool) -> None:
    request = Request("POST", "/call", {"host": "127.0.0.1:8089", **headers})
    assert (refusal(request, anywhere=False) is None) is let_in


def test_other_methods_are_refused() -> None:
    status = refusal(Request("DELETE", "/", {"host": "localhost"}), anywhere=False)
    assert status is not None and status.value == 405


def parsed(data: bytes) -> Request:
    async def read() -> Request:
        reader = asyncio.StreamReader(limit=HEAD_BYTES_MAX)
        reader.feed_data(data)
        reader.feed_eof()
        return await read_request(reader)

    return asyncio.run(read())


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    for whole in (data, data + b"\r\n\r\n", b"POST / HTTP/1.1\r\n" + data + b"\r\n\r\n"):
        try:
            parsed(whole)
        except (BadRequest, EOFError):
            continue


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("GET /\r\n\r\n", 400),
        ("GET http://evil/ HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/2\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
        (f"POST / HTTP/1.1\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n\r\n", 413),
        (f"POST / HTTP/1.1\r\nContent-Length: {'9' * 5000}\r\n\r\n", 413),
        (f"GET / HTTP/1.1\r\nCookie: {'c' * HEAD_BYTES_MAX}\r\n\r\n", 431),
        (
            f"POST / HTTP/1.1\r\nContent-Type: {FORM_TYPE}\r\nContent-Length: 3\r\n\r\na=\xff",
            400,
        ),
    ],
)
def test_what_is_no_request_of_a_browser_is_refused(text: str, status: int) -> None:
    with pytest.raises(BadRequest) as caught:
        parsed(text.encode("latin-1"))
    assert caught.value.status == status


def test_a_form_is_read_with_all_values() -> None:
    body = "symptom=headache&symptom=vomiting&device=C4%3A1D&name=%E8%A1%80"
    request = parsed(
        f"POST /feel?x=1 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Cookie: a=b; language=en\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    assert (request.path, request.form["symptom"]) == ("/feel", ("headache", "vomiting"))
    assert (request.one("device"), request.one("name"), request.one("no")) == ("C4:1D", "血", "")
    assert (request.cookie("language"), request.cookie("b")) == ("en", None)


async def exchange(port: int, text: str) -> tuple[str, str]:
    """Send bytes; return head and body of what comes back before the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


def test_every_answer_tells_the_browser_to_be_careful(tmp_path: Path) -> None:
    async def story(home: PageHome) -> None:
        async with serving(home.pages, LOOPBACK, anywhere=False) as port:
            assert port is not None
            for line in ("GET / HTTP/1.1", "HEAD / HTTP/1.1", "GET /none HTTP/1.1", "nonsense"):
                head, body = await exchange(port, f"{line}\r\nHost: localhost\r\n\r\n")
                for name, value in HEADERS.items():
                    assert f"{name}: {value}" in head
                assert bool(body) is not line.startswith("HEAD")
            head, _ = await exchange(port, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            assert head.startswith("HTTP/1.1 421 ")
            head, _ = await exchange(
                port, "POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
            )
            assert head.startswith("HTTP/1.1 403 ")
            assert home.items() == []
            await exchange_nothing(port)

    async def exchange_nothing(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()

    async def play() -> None:
        with page_home(tmp_path) as home:
            async with asyncio.timeout(STORY_MAX_S):
                await story(home)

    asyncio.run(play())


def test_a_port_in_use_is_told_and_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(port: int) -> None:
        with page_home(tmp_path) as home:
            async with serving(home.pages, PageAddress(LOOPBACK.host, port), anywhere=False) as got:
                assert got is None

    with socket.socket() as other, caplog.at_level(logging.ERROR):
        other.bind(("127.0.0.1", 0))
        other.listen()
        asyncio.run(play(other.getsockname()[1]))
        with pytest.raises(PageUnavailable, match="another port"):
            asyncio.run(try_page(PageAddress(LOOPBACK.host, other.getsockname()[1])))
    (record,) = caplog.records
    assert record.getMessage() == "page not served"
    assert "another port" in str(record.__dict__)


def test_a_page_that_is_served_already_is_well(tmp_path: Path) -> None:
    async def play() -> None:
        assert "is free" in await try_page(LOOPBACK)
        with page_home(tmp_path) as home:
            async with serving(home.pages, LOOPBACK, anywhere=False) as port:
                assert port is not None
                told = await try_page(PageAddress(LOOPBACK.host, port))
                assert told == f"http://127.0.0.1:{port} is served by the running gateway"

    asyncio.run(play())


def test_without_the_setting_there_is_no_page(tmp_path: Path) -> None:
    async def play() -> None:
        with page_home(tmp_path) as home:
            async with serving(home.pages, None, anywhere=False) as port:
                assert port is None

    asyncio.run(play())


def test_who_presses_in_vain_is_told_to_telephone(tmp_path: Path) -> None:
    async def play() -> None:
        with page_home(tmp_path) as home:
            async with serving(home.pages, LOOPBACK, anywhere=False) as port:
                assert port is not None
                with home.outbox._database.write() as cursor:
                    cursor.execute("PRAGMA query_only = ON")
                head, body = await exchange(
                    port,
                    "POST /call HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
                    "Content-Length: 0\r\n\r\n",
                )
                assert head.startswith("HTTP/1.1 503 ")
                assert "请直接给家庭医生打电话" in body

    asyncio.run(play())
