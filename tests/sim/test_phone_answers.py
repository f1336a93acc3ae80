"""A doctor who answers opens the page's link and sends its form, as a browser would."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import httpx
import pytest
from fix_feed import Town
from fix_sim_child import SimChild

from yikao_devices.story_clock import Clock
from yikao_sim.phone.browser import NotAnsweredError, answer_page

PAGE_ID = "3b241101-e2bb-4255-8caf-4136c566a962"
FORM = """<title>no word of the page</title><main><h1>有人在等您</h1>
<form method="get"><input name="disposition" value="search"></form>
<form method="post" action="done?x=1">
<input type="hidden" name="once" value="a&amp;b"><input type="text" name="note" value="unsent">
<label><input type="radio" name="disposition" value="called">已电话</label>
<label><input type="radio" name="disposition" value="visit">就诊</label>
<input type="radio" name="disposition" value="referred" disabled><button>好</button></form></main>
"""
SELECT = (
    '<form method="POST"><select name="disposition"><option value="called">x</option></select>'
    '<button name="disposition" value="adjusted">y</button></form><script>unseen()</script>'
)


@dataclass
class Site:
    """A web site of one's own: what it answers by path, and what it was sent."""

    url: str = ""
    pages: dict[str, tuple[int, dict[str, str], str]] = field(default_factory=dict)
    posted: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    """A site on loopback; put pages into it."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, text = site.pages.get(self.path, (404, {}, "<main>不在</main>"))
            content = text.encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.posted.append((self.path, dict(parse_qsl(sent)), dict(self.headers)))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_form_goes_where_it_says_with_hidden_fields_cookies_and_origin(site: Site) -> None:
    site.pages["/p/token"] = (302, {"Location": "/q/token", "Set-Cookie": "a=1; Path=/"}, "")
    site.pages["/q/token"] = (200, {"Set-Cookie": "seen=1"}, FORM)
    site.pages["/q/done?x=1"] = (303, {"Location": "/thanks"}, "")
    site.pages["/thanks"] = (200, {}, "<main>  已记录，\n由您处理 </main>")
    assert answer_page(f"{site.url}/p/token", "called") == "已记录， 由您处理"
    ((path, fields, headers),) = site.posted
    assert (path, fields) == ("/q/done?x=1", {"once": "a&b", "disposition": "called"})
    assert headers["Origin"] == site.url
    assert headers["Sec-Fetch-Site"] == "same-origin"
    assert set(headers["Cookie"].split("; ")) == {"a=1", "seen=1"}


def test_a_page_without_referrer_sends_its_form_without_origin(site: Site) -> None:
    site.pages["/p/token"] = (200, {"Referrer-Policy": "no-referrer"}, SELECT)
    assert answer_page(f"{site.url}/p/token", "adjusted") == "x y"
    ((path, _, headers),) = site.posted
    assert (path, headers["Origin"]) == ("/p/token", "null")


@pytest.mark.parametrize(
    ("status", "headers", "text", "said"),
    [
        (404, {}, "<main>此链接不能使用</main>", "answered 404: 此链接不能使用"),
        (204, {}, "", "answered 204"),
        (200, {}, "<main>已由王医生处理</main>", "nothing to answer on the page: 已由王医生处理"),
        (200, {}, SELECT, "the page offers called, adjusted, not visit"),
        (302, {"Location": "http://192.0.2.1/"}, "", "away from this machine"),
        (302, {"Location": "file:///etc/passwd"}, "", "answered 302"),
        (302, {"Location": "/p/token"}, "", "answered 302"),
    ],
)
def test_what_is_no_page_to_answer_is_reported_and_nothing_is_sent(
    site: Site, status: int, headers: dict[str, str], text: str, said: str
) -> None:
    site.pages["/p/token"] = (status, headers, text)
    with pytest.raises(NotAnsweredError, match=said):
        answer_page(f"{site.url}/p/token", "visit")
    assert site.posted == []


@pytest.mark.parametrize("link", ["http://192.0.2.1/p/x", "http://[::1/p/x", "ftp://127.0.0.1/"])
def test_only_links_to_this_machine_are_opened(link: str) -> None:
    with pytest.raises(NotAnsweredError, match="away from this machine"):
        answer_page(link, "called")


def test_a_refused_answer_is_reported(site: Site) -> None:
    site.pages["/p/token"] = (200, {}, FORM)
    with pytest.raises(NotAnsweredError, match="answered 404: 不在"):
        answer_page(f"{site.url}/p/token", "called")


def ring(phone_at: str, owner: str, link: str) -> None:
    page = {"page_id": PAGE_ID, "episode": 7, "text": "【红】", "link": link}
    content = json.dumps(page | {"language": "zh", "attempt": 1}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": PAGE_ID}
    answer = httpx.post(f"{phone_at}/{owner}", content=content, headers=headers, trust_env=False)
    assert answer.json()["accepted"] is True


def test_the_doctor_answers_the_real_feed_once_after_story_minutes(
    yikao_sim: Callable[..., SimChild], town: Town, feed_url: str
) -> None:
    town.resident("r-01", "李秀英")
    number = town.red("r-01")
    link = feed_url + town.link_of(number)
    clock = Clock(story_s=1_772_459_400.0, real_s=time.time(), speed=600.0).spec()
    owners = ("--owner", "wang=answers:120:visit", "li=answers:0", "silent=silent")
    child = yikao_sim("phone", "--listen", "127.0.0.1:0", "--json", *owners, clock=clock)
    at = child.until(ready=True)["listen"]
    ring(at, "silent", link)
    ring(at, "wang", link)
    rang = child.until(event="rang", owner="wang")
    answered = child.until(event="answered")
    assert (answered["owner"], answered["ring"]) == ("wang", 2)
    assert "已由您" in answered["said"] and "预约就诊" in answered["said"]
    waited = datetime.fromisoformat(answered["story"]) - datetime.fromisoformat(rang["story"])
    assert waited.total_seconds() >= 120
    ring(at, "li", link)
    too_late = child.until(event="answer_failed")
    assert too_late["owner"] == "li" and "nothing to answer" in too_late["said"]
    ((state, disposition),) = town.run("SELECT state, disposition FROM episode")
    assert (state, disposition) == ("answered", "visit")
