"""`yikao-sim phone`: a phone for every doctor, which takes pages, rings, and is answered or not."""

import argparse
import asyncio
import contextlib
import json
import re
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any, Final

import msgspec

from yikao_devices.story_clock import VARIABLE
from yikao_sim.device_clock import zone_named
from yikao_sim.errors import SimError
from yikao_sim.phone.phone import CALLED, Answering, Event, Habit, Phone, by_link
from yikao_sim.phone.show import line, ringing
from yikao_sim.process import clock_of_environment, run_until_stopped, typed_lines
from yikao_sim.providers.door import Door
from yikao_sim.providers.faults import FORMS, Deed, Fault, Mischief, parse_fault
from yikao_sim.providers.provider import Setup
from yikao_sim.providers.registry import PROVIDERS
from yikao_sim.providers.server import serving

OWNER: Final = re.compile(
    r"(?P<id>[A-Za-z0-9._+-]{1,64})=(?:silent|answers:(?P<after>\d+(?:\.\d+)?)(?::(?P<what>[a-z_]+))?)"
)
ANSWERS_AFTER_MAX_S: Final = 7 * 24 * 3600
TIMES_MAX: Final = 1_000_000

DESCRIPTION = """\
Takes pages over HTTP as a messaging provider does, and rings in this terminal. Each doctor has a
path of their own: a page for dr-wang is a POST to /dr-wang. It is strict: what is not exactly a
page, or not signed with the secret, is refused with the reason. The same page sent twice is
accepted twice and rings once.

With --as it is another provider, with that one's addresses, signatures, codes and limits: a page
for dr-wang is then sent to the member, the robot's token, the number or the topic dr-wang.

A doctor who answers opens the link in the page after so many seconds of the story and sends its
form, as a browser does; with --callback, of WeCom alone, the button of the card is pressed. At a
terminal you may answer yourself: a and Enter.
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

  WeCom over HTTPS, with cards whose button is pressed after a minute
    yikao-sim phone --as wecom --secret app.secret --tls authority.pem --owner WangYi=answers:60 \
        --callback http://127.0.0.1:8321/callback/wecom \
        --callback-token wecom.token --callback-key wecom.key

--misbehave is one of {FORMS}.
The certificates' faults need --tls.
--secret names the very file that the sender signs with: of our own webhook all its bytes count,
of every other provider its text without the line's end.

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
    add(
        "--as",
        dest="provider",
        choices=sorted(PROVIDERS),
        default="webhook",
        help="which provider it is (%(default)s)",
    )
    add("--tls", type=Path, metavar="FILE", help="HTTPS; write the authority to be trusted there")
    add("--callback", metavar="URL", help="where WeCom tells that a card's button was pressed")
    add("--callback-token", type=Path, metavar="FILE", help="the callback's Token")
    add("--callback-key", type=Path, metavar="FILE", help="the callback's EncodingAESKey")
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
    add("--misbehave", type=_fault, metavar="HOW", help="fail pages; see below")
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

        phone = Phone(habits, clock_of_environment(), tell, _how_to_answer(arguments))
        setup = Setup(frozenset(habits), _shared(arguments))
        mischief = Mischief(arguments.misbehave, arguments.misbehave_times)
        door = Door(PROVIDERS[arguments.provider](setup), mischief, phone.hear)
        tls = _tls(arguments, mischief)
        try:
            async with serving(host, port, door, tls) as address:
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


def _tls(arguments: argparse.Namespace, mischief: Mischief) -> ssl.SSLContext | None:
    """Return what the server shows, and write down whom to trust; None for plain HTTP."""
    if arguments.tls is None:
        if arguments.misbehave is not None and arguments.misbehave.deed is Deed.TLS:
            raise SimError(f"--misbehave {arguments.misbehave.name} needs --tls")
        return None
    from yikao_sim.providers.certificates import server_tls

    tls = server_tls(mischief)
    try:
        arguments.tls.write_text(tls.authority_pem, "ascii")
    except OSError as error:
        raise SimError(f"cannot write {arguments.tls}: {error.strerror}") from error
    return tls.context


def _how_to_answer(arguments: argparse.Namespace) -> Answering:
    """Return how a doctor answers: by the page's link, or by the button of WeCom's card."""
    given = (arguments.callback, arguments.callback_token, arguments.callback_key)
    if not any(given):
        return by_link
    if not all(given) or arguments.provider != "wecom":
        raise SimError("--callback, --callback-token and --callback-key go together, as wecom")
    from yikao_sim.providers.wecom_button import button_of

    token, key = (_text(path) for path in given[1:])
    button = button_of(arguments.callback, token, key)
    return lambda message, _: button.press(message, int(time.time()))


def _shared(arguments: argparse.Namespace) -> bytes | None:
    secret = _secret(arguments.secret)
    return secret if secret is None or arguments.provider == "webhook" else secret.strip()


def _text(path: Path) -> str:
    return (_secret(path) or b"").decode("utf-8", "replace").strip()


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


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _times(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= TIMES_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {TIMES_MAX}")
    return int(text)
