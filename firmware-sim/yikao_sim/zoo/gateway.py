"""A gateway under test: any program that reads devices and prints what they hold as JSON Lines.

The command is a template. `{radio}` is our spelling of the radio, sim:unix:PATH; `{socket}` is the
PATH alone, behind which a Bluetooth controller speaks the Host Controller Interface (H4 framing).
`{state}` is a folder that the visits of one persona share. A word with `{passkey}` is left out
where nobody knows the digits.
"""

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from yikao_devices.wire import Item, decode_item
from yikao_sim.errors import SimError

DEFAULT = "yikao-gateway collect --once --json --radio {radio} --state {state} --passkey={passkey}"
LINES_MAX = 100_000
"""More lines than any persona has records; what follows is not read."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line with its places to fill in."""

    words: tuple[str, ...]

    def filled(self, socket: Path, state: Path, passkey: int | None) -> list[str]:
        """Return the command line for one visit."""
        places = {"{radio}": f"sim:unix:{socket}", "{socket}": str(socket), "{state}": str(state)}
        if passkey is not None:
            places["{passkey}"] = f"{passkey:06d}"
        words = [word for word in self.words if passkey is not None or "{passkey}" not in word]
        return [_fill(word, places) for word in words]


def parse_command(text: str) -> Command:
    """Return the command in `text`, as a shell would split it. Raises `SimError`."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SimError(f"--gateway {text!r}: {error}") from error
    if not any(place in text for place in ("{radio}", "{socket}")):
        raise SimError(f"--gateway {text!r} names neither {{radio}} nor {{socket}}")
    return Command((_program(words[0]), *words[1:]))


def _program(name: str) -> str:
    """Return where a program is: on the path, or installed beside this one."""
    found = shutil.which(name) or shutil.which(str(Path(sys.executable).with_name(name)))
    if found is None:
        raise SimError(f"no program {name!r}: install it, or give its path to --gateway")
    return found


def _fill(word: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        word = word.replace(place, value)
    return word


@dataclass(frozen=True, slots=True)
class Printed:
    """What a gateway printed: items; lines of JSON that are none; lines that are no JSON at all."""

    items: tuple[Item, ...]
    misshapen: tuple[str, ...]
    stray: int


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended. code: None when it had to be stopped at the limit."""

    printed: Printed
    code: int | None
    last_words: str


async def run(
    command: list[str], folder: Path, limit_s: float, on_started: Callable[["Child"], None]
) -> Run:
    """Run a gateway to its end, at most `limit_s`; its output goes through files in `folder`."""
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=_environment(),
            start_new_session=True,
        )
    child = Child(process)
    on_started(child)
    code = None
    try:
        async with asyncio.timeout(limit_s):
            code = await process.wait()
    except TimeoutError:
        pass
    finally:
        child.kill()
        await process.wait()
    return Run(read_printed(out), code, _last_line(err))


class Child:
    """A gateway that runs, with whatever it has started itself."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.killed = False

    def kill(self) -> None:
        """End it at once, as a power cut does; without effect when it has ended."""
        if self._process.returncode is None:
            self.killed = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Return ours without settings of the product: those are given on the command line."""
    return {name: value for name, value in os.environ.items() if not name.startswith("YIKAO_")}


def read_printed(path: Path) -> Printed:
    """Return what is in a file of JSON Lines; nothing in it can raise."""
    items: list[Item] = []
    misshapen: list[str] = []
    stray = 0
    with path.open("rb") as lines:
        for _, line in zip(range(LINES_MAX), lines, strict=False):
            try:
                items.append(decode_item(line))
            except msgspec.MsgspecError as error:
                if _is_object(line):
                    misshapen.append(f"{error}: {line.decode(errors='replace').strip()}")
                else:
                    stray += 1
    return Printed(tuple(items), tuple(misshapen), stray)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except msgspec.MsgspecError:
        return False


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
