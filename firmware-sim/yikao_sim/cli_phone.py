"""`yikao-sim phone`: a phone for every doctor, which takes pages, rings, and is answered or not."""

import argparse
import asyncio
import contextlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any, Final

import msgspec

from yikao_devices.story_clock import VARIABLE
from yikao_sim.device_clock import zone_named
from yikao_sim.errors import SimError
from yikao_sim.phone.mishap import FORMS, Mishap, parse_mishap
from yikao_sim.phone.phone import CALLED, Event, Habit, Mischief, Phone
from yikao_sim.phone.server import serving
from yikao_sim.phone.show import line, ringing
from yikao_sim.process import clock_of_environment, run_until_stopped, typed_lines

OWNER: Final = re.compile(
    r"(?P<id>[A-Za-z0-9._-]{1,64})=(?:silent|answers:(?P<after>\d+(?:\.\d+)?)(?::(?P<what>[a-z_]+))?)"
)
ANSWERS_AFTER_MAX_S: Final = 7 * 24 * 3600
TIMES_MAX: Final = 1_000_000

DESCRIPTION = """\
Takes pages over HTTP as a messaging provider does, and rings in this terminal. Each doctor has a
path of their own: a page for dr-wang is a POST to /dr-wang. It is strict: what is not exactly a
page, or not signed with the secret, is refused with the reason. The same page sent twice is
accepted twice and rings once.

A doctor who answers opens the link in the page after so many seconds of the story and sends its
form, as a browser does. At a terminal you may answer yourself: a and Enter.
"""

EXAMPLES = f"""\
examples:
  everybody has a phone, and you answer
    yikao-sim phone --listen 127.0.0.1:8322

  one doctor sleeps, the other answers after four minutes; what happens is kept
    yikao-sim phone --listen 127.0.0.1:8322 --secret webhook.key --log phone.jsonl \\
        --owner dr-wang=silent dr-li=answers:240:called

  a provider that loses its first two answers
    yikao-sim phone --listen 127.0.0.1:8322 --misbehave reset-after-body --misbehave-times 2

--misbehave is one of {FORMS}.
--secret names the very file that the sender signs with; all its bytes count.

environment:
  {VARIABLE}   STORY@REAL*SPEED, the story's clock: `yikao-sim air --help`
"""


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "phone",
        help="a phone for every doctor, which rings here",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add = parser.add_argument
    add(
        "--listen",
        type=_address,
        default="127.0.0.1:8322",
        metavar="HOST:PORT",
        help="a loopback address; port 0 picks a free one (%(default)s)",
    )
    add("--secret", type=Path, metavar="FILE", help="check signatures with this file's bytes")
    add(
        "--owner",
        type=_owner,
        action="extend",
        nargs="+",
        default=[],
        metavar="ID=HABIT",
        help="silent, or answers:SECONDS[:DISPOSITION]; without any, everybody has a silent phone",
    )
    add("--log", type=Path, metavar="FILE", help="append what happens, as JSON lines")
    add("--zone", default="Asia/Shanghai", help="for the times shown (%(default)s)")
    add("--json", action="store_true", help="print JSON lines instead of boxes and sentences")
    add("--misbehave", type=_mishap, metavar="HOW", help="fail pages; see below")
    add("--misbehave-times", type=_times, metavar="N", help="fail only the first N pages")


def run(arguments: argparse.Namespace) -> int:
    """Take pages until Ctrl-C, SIGTERM or `q`; return 0. Raises `SimError` when it cannot."""
    asyncio.run(run_until_stopped(_serve(arguments)))
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    habits, (host, port) = dict(arguments.owner), arguments.listen
    with _log(arguments.log) as keep:
        show = _show(arguments.json, zone_named(arguments.zone))

        def tell(event: Event) -> None:
            keep(event)
            show(event)

        phone = Phone(
            habits,
            clock_of_environment(),
            tell,
            secret=_secret(arguments.secret),
            mischief=Mischief(arguments.misbehave, arguments.misbehave_times),
        )
        try:
            async with serving(host, port, phone) as address:
                _announce(address, habits, as_json=arguments.json)
                await _obey(phone)
        finally:
            await phone.close()


async def _obey(phone: Phone) -> None:
    """Do what is typed, until `q`; without a terminal, wait for ever."""
    if not (sys.stdin and sys.stdin.isatty()):
        await asyncio.Event().wait()
    typed = typed_lines()
    while command := await typed.readline():
        match command.strip().lower():
            case b"q":
                return
            case b"a" if not phone.answer_last():
                print("还没有响过铃 nothing has rung yet", flush=True)


def _show(as_json: bool, zone: tzinfo) -> Callable[[Event], None]:
    """Return what shows an event here."""

    def show(event: Event) -> None:
        if as_json:
            text = msgspec.json.encode(event).decode()
        elif event.event == "rang" and sys.stdout.isatty():
            text = ringing(event, zone, shutil.get_terminal_size().columns)
        else:
            text = line(event, zone)
        print(text, flush=True)

    return show


def _announce(address: str, habits: dict[str, Habit], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"ready": True, "listen": address, "owners": list(habits)}), flush=True)
        return
    who = ", ".join(f"{address}/{owner}" for owner in habits) or f"{address}/ID"
    print(f"等候来电 ready: {who}", flush=True)


@contextlib.contextmanager
def _log(path: Path | None) -> Iterator[Callable[[Event], Any]]:
    """Give a function that appends an event to `path`; at once, for somebody may be waiting."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("ab", buffering=0)
    except OSError as error:
        raise SimError(f"cannot write {path}: {error.strerror}") from error
    with file:
        yield lambda event: file.write(msgspec.json.encode(event) + b"\n")


def _secret(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise SimError(f"cannot read the secret {path}: {error.strerror}") from error
    if not secret:
        raise SimError(f"the secret {path} is empty: put 32 random bytes into it")
    return secret


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, like 127.0.0.1:8322")
    return host.strip("[]"), int(port)


def _owner(text: str) -> tuple[str, Habit]:
    found = OWNER.fullmatch(text)
    after_s = float(found["after"] or 0) if found else ANSWERS_AFTER_MAX_S + 1
    if found is None or after_s > ANSWERS_AFTER_MAX_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not like dr-wang=silent, dr-wang=answers:90 or dr-wang=answers:90:visit, "
            f"with at most {ANSWERS_AFTER_MAX_S} seconds"
        )
    if found["after"] is None:
        return found["id"], Habit()
    return found["id"], Habit(timedelta(seconds=after_s), found["what"] or CALLED)


def _mishap(text: str) -> Mishap:
    try:
        return parse_mishap(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _times(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= TIMES_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {TIMES_MAX}")
    return int(text)
