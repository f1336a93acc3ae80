"""Who is let in, what a foreign page may not do, and where the feed refuses to listen."""

import asyncio
import base64
from pathlib import Path

import pytest

from yikao_alerts.feed.errors import FeedError
from yikao_alerts.feed.guard import is_open, may_change
from yikao_alerts.feed.routes_other import is_own_path
from yikao_alerts.feed.run import FeedServer
from yikao_alerts.feed.settings import (
    DATABASE_URL,
    HOST,
    LINK_SECRET_FILE,
    PORT,
    USERS_FILE,
    FeedSettings,
    feed_settings,
)
from yikao_alerts.feed.users import Users, hash_password, load_users, parse_users

SECRET = bytes(32)
HOME = "127.0.0.1:8321"


@pytest.mark.parametrize(
    ("headers", "path", "allowed"),
    [
        ({"sec-fetch-site": "same-origin"}, "/language", True),
        ({"sec-fetch-site": "same-site"}, "/language", False),
        ({"sec-fetch-site": "cross-site", "origin": f"http://{HOME}"}, "/language", False),
        ({"sec-fetch-site": "none"}, "/language", False),
        ({"origin": f"http://{HOME}"}, "/language", True),
        ({"origin": f"https://{HOME}"}, "/language", True),
        ({"origin": "http://127.0.0.1:9999"}, "/language", False),
        ({"origin": "https://evil.example"}, "/language", False),
        ({"origin": "null"}, "/language", False),
        ({}, "/language", False),
        ({"origin": "null"}, "/p/token", True),
        ({}, "/p/token", True),
        ({"origin": "https://evil.example"}, "/p/token", False),
        ({"sec-fetch-site": "cross-site", "origin": "null"}, "/p/token", False),
        ({}, "/callback/wecom", True),
        ({}, "/callbacks", False),
    ],
)
def test_only_our_own_pages_change_anything(
    headers: dict[str, str], path: str, allowed: bool
) -> None:
    assert may_change({"host": HOME} | headers, path) is allowed


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/", True),
        ("/episodes/1?said=closed", True),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("https://evil.example", False),
        ("", False),
        ("/\r\nset-cookie: a=b", False),
    ],
)
def test_the_language_switch_sends_nobody_elsewhere(path: str, own: bool) -> None:
    assert is_own_path(path) is own


@pytest.mark.parametrize(
    ("path", "password_free"),
    [
        ("/p/token", True),
        ("/static/feed.css", True),
        ("/healthz", True),
        ("/", False),
        ("/p", False),
        ("/stream", False),
        ("/api/episodes", False),
        ("/live/feed", False),
    ],
)
def test_readings_are_behind_the_password(path: str, password_free: bool) -> None:
    assert is_open(path) is password_free


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "feed.example"])
def test_without_users_it_refuses_to_listen_to_others(host: str) -> None:
    with pytest.raises(FeedError, match=USERS_FILE):
        FeedSettings("postgresql://", SECRET, host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_it_listens_to_this_machine(host: str) -> None:
    assert FeedSettings("postgresql://", SECRET, host=host).host == host


def test_with_users_it_listens_to_others(tmp_path: Path) -> None:
    users = tmp_path / "users"
    assert FeedSettings("postgresql://", SECRET, host="0.0.0.0", users_file=users).users_file


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    environ = {DATABASE_URL: "postgresql://x", LINK_SECRET_FILE: str(secret), PORT: "0"}
    settings = feed_settings(environ)
    assert (settings.database_url, settings.port) == ("postgresql://x", 0)
    assert str(SECRET) not in repr(settings)
    for missing in (DATABASE_URL, LINK_SECRET_FILE):
        with pytest.raises(FeedError, match=missing):
            feed_settings({key: value for key, value in environ.items() if key != missing})
    for wrong in ({PORT: "http"}, {PORT: "70000"}, {LINK_SECRET_FILE: "/nowhere"}, {HOST: "::"}):
        with pytest.raises(FeedError):
            feed_settings(environ | wrong)
    secret.write_bytes(b"short")
    with pytest.raises(FeedError, match="16 bytes"):
        feed_settings(environ)


def test_a_taken_port_is_said_in_one_sentence() -> None:
    first = FeedServer(FeedSettings("postgresql://", SECRET, port=0))
    port = int(first.url.rpartition(":")[2])
    try:
        with pytest.raises(FeedError, match=f"port {port}.*taken.*{PORT}"):
            FeedServer(FeedSettings("postgresql://", SECRET, port=port))
    finally:
        first.release()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_a_right_password_signs_in_and_nothing_else_does() -> None:
    users = Users(parse_users(f"# doctors\n\nwang:{hash_password('夜里 3 点')}\n", "users"))

    async def sign_in(authorization: str | None) -> str | None:
        return await users.sign_in(authorization)

    assert asyncio.run(sign_in(basic("wang", "夜里 3 点"))) == "wang"
    assert asyncio.run(sign_in(basic("wang", "夜里 3 点"))) == "wang", "remembered"
    for wrong in (None, "", "Basic", "Basic !", basic("wang", "x"), basic("li", "夜里 3 点")):
        assert asyncio.run(sign_in(wrong)) is None
    assert asyncio.run(sign_in("Bearer " + basic("wang", "夜里 3 点")[6:])) is None


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password("same") != hash_password("same")


@pytest.mark.parametrize(
    "text",
    [
        "wang",
        "wang:md5$x",
        # Its salt differs in every process, and the name of a test must not.
        pytest.param(":" + hash_password("x"), id="nobody's password"),
        "a:scrypt$1$2$3$4",
        "a:scrypt$x$8$1$$",
    ],
)
def test_a_broken_users_file_names_its_line(text: str) -> None:
    with pytest.raises(FeedError, match="line 2"):
        parse_users("# doctors\n" + text, "users")


def test_a_users_file_must_be_there_and_name_somebody(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="cannot be read"):
        load_users(tmp_path / "none")
    (tmp_path / "empty").write_text("# nobody\n")
    with pytest.raises(FeedError, match="names nobody"):
        load_users(tmp_path / "empty")
