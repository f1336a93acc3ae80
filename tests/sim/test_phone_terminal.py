"""What a person sees and types at the fake phone."""

import json
import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest
from fix_sim_child import DEADLINE_S

from yikao_sim.phone.phone import Event
from yikao_sim.phone.show import line, ringing
from yikao_sim.terminal import box, columns, plain, wrap

CHINA = timezone(timedelta(hours=8))
AT = datetime(2026, 3, 2, 13, 52, tzinfo=UTC)
PAGE_ID = "3b241101-e2bb-4255-8caf-4136c566a962"
RANG = Event(
    "rang",
    AT,
    AT,
    "dr-wang",
    3,
    episode=7,
    attempt=1,
    text="【红】待处理",
    link="http://127.0.0.1/p/x",
)


def test_a_box_is_as_wide_on_every_line_whatever_the_script() -> None:
    rows = box(["电话响了 RINGING", "e\u0301 " + "医" * 50], 40).splitlines()
    assert {columns(row) for row in rows} == {40}


def test_lines_are_cut_at_the_width_and_lose_nothing() -> None:
    lines = wrap("ab医靠c" * 9, 5)
    assert "".join(lines) == "ab医靠c" * 9
    assert all(columns(each) <= 5 for each in lines)


def test_text_from_outside_gives_the_terminal_no_orders() -> None:
    assert plain("a\x1b[2Jb\n\tc\u202e") == "a?[2Jb c?"


def test_a_ring_shows_who_what_and_the_whole_link() -> None:
    shown = ringing(RANG, CHINA, 60)
    assert shown.startswith("\a┌")
    for part in ("dr-wang", "【红】待处理", "#3", "21:52:00"):
        assert part in shown
    assert shown.splitlines()[-1].endswith("http://127.0.0.1/p/x")


def test_elsewhere_each_event_is_one_plain_line() -> None:
    shown = line(RANG, CHINA)
    assert "\a" not in shown and "\n" not in shown
    assert shown.split("  ") == [
        "21:52:00", "响铃 rang", "dr-wang", "#3", "【红】待处理", "http://127.0.0.1/p/x",
    ]  # fmt: skip


class Terminal:
    """A `yikao-sim phone` at a terminal of its own."""

    def __init__(self) -> None:
        self._screen, theirs = pty.openpty()
        modes = termios.tcgetattr(theirs)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, modes)
        arguments = ("yikao_sim.cli", "phone", "--listen", "127.0.0.1:0")
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.seen = ""

    def shows(self, text: str) -> None:
        """Wait until the terminal has shown `text`."""
        while text not in self.seen:
            ready, _, _ = select.select([self._screen], [], [], DEADLINE_S)
            assert ready, f"{text!r} is not in {self.seen!r}"
            self.seen += os.read(self._screen, 65536).decode()

    def type(self, key: str) -> None:
        os.write(self._screen, key.encode() + b"\n")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE_S)
        os.close(self._screen)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_person_answers_with_a_and_leaves_with_q(terminal: Terminal) -> None:
    terminal.shows("/ID\r\n")
    address = terminal.seen.split("ready: ")[1].split("/ID")[0]
    terminal.type("a")
    terminal.shows("nothing has rung yet")
    page = {"page_id": PAGE_ID, "episode": 7, "text": "【红】", "link": "http://127.0.0.1:1/p/x"}
    content = json.dumps(page | {"language": "zh", "attempt": 1}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": PAGE_ID}
    httpx.post(f"{address}/dr-wang", content=content, headers=headers, trust_env=False)
    terminal.shows("/p/x\r\n")
    assert "\a┌" in terminal.seen and "dr-wang" in terminal.seen
    terminal.type("a")
    terminal.shows("could not answer")
    terminal.type("q")
    assert terminal.process.wait(DEADLINE_S) == 0
