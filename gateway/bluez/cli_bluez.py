"""`make bluez`: the gateway on the real Linux Bluetooth stack, with simulated devices as the air.

Prints a line per scenario; a complete run also writes docs/bluez.md. Exit 1: something failed; 2:
this machine cannot run it, and the message says what to do.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from guest import GuestError, booted
from image import build
from packages import MissingPartError, Parts, cache_folder, fetch
from scenarios import SCENARIOS, Scenario
from stage import Mismatch, Stage

from yikao_sim.air.server import AirServer
from yikao_sim.air.service import Air, Truth

HERE: Final = Path(__file__).resolve().parent
REPOSITORY: Final = HERE.parents[1]
REPORT: Final = REPOSITORY / "docs" / "bluez.md"
SCENARIO_MAX_S: Final = 150.0
CONSOLE_LINES: Final = 30
"""Shown of the machine's console when something failed."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one scenario went; `trouble` is None when it passed."""

    title: str
    trouble: str | None
    seconds: float

    def row(self) -> str:
        return f"| {self.title} | {self.trouble or 'passed'} | {self.seconds:.1f} |"


def main(names: list[str]) -> int:
    """Run the scenarios called `names`, or all; return the exit code."""
    chosen = [each for each in SCENARIOS if not names or each.__name__ in names]
    try:
        parts = fetch(cache_folder(), print)
        results, boot_s = asyncio.run(_run(parts, chosen))
    except (MissingPartError, GuestError) as error:
        print(f"make bluez: {error}", file=sys.stderr)
        return 2
    if len(results) == len(SCENARIOS):
        REPORT.write_text(_report(parts, results, boot_s))
        print(f"written: {REPORT.relative_to(REPOSITORY)}")
    return 0 if all(each.trouble is None for each in results) else 1


async def _run(parts: Parts, chosen: list[Scenario]) -> tuple[list[Result], float]:
    results: list[Result] = []
    truths: list[Truth] = []
    air = Air(lambda: datetime.now(UTC), on_truth=truths.append)
    with tempfile.TemporaryDirectory(prefix="yikao-bluez-") as name:
        folder = Path(name)
        image = folder / "image"
        image.write_bytes(build(parts, HERE / "init", _settings(parts)))
        print(f"booting Linux {parts.kernel_version()}", flush=True)
        began = time.monotonic()
        async with (
            _offered(air, folder / "air"),
            booted(parts, image, folder / "air", folder) as guest,
        ):
            boot_s = time.monotonic() - began
            print(f"  up after {boot_s:.1f} s", flush=True)
            stage = Stage(air, guest, truths)
            for scenario in chosen:
                results.append(await _try(scenario, stage))
        if any(each.trouble for each in results):
            console = (folder / "console").read_text(errors="replace").splitlines()
            print("\n".join(console[-CONSOLE_LINES:]), file=sys.stderr)
    return results, boot_s


@asynccontextmanager
async def _offered(air: Air, socket: Path) -> AsyncIterator[None]:
    server = AirServer(air.link)
    await server.start(f"unix:{socket}")
    try:
        yield
    finally:
        await server.close()


async def _try(scenario: Scenario, stage: Stage) -> Result:
    title = (scenario.__doc__ or scenario.__name__).strip()
    print(f"{title} ...", end=" ", flush=True)
    began, trouble = time.monotonic(), None
    try:
        async with asyncio.timeout(SCENARIO_MAX_S):
            await scenario(stage)
    except TimeoutError:
        trouble = f"not done within {SCENARIO_MAX_S:g} s"
    except (Mismatch, GuestError) as error:
        trouble = str(error)
    finally:
        await stage.clear()
    result = Result(title, trouble, time.monotonic() - began)
    print(f"{trouble or 'passed'}, {result.seconds:.1f} s", flush=True)
    return result


def _settings(parts: Parts) -> dict[str, str]:
    return {
        "PARTS": str(parts.root),
        "LIBRARIES": parts.libraries(),
        "BLUETOOTHD": str(parts.bluetoothd()),
        "GATEWAY": str(Path(sys.executable).parent / "yikao-gateway"),
        "HERE": str(HERE),
    }


def _report(parts: Parts, results: list[Result], boot_s: float) -> str:
    passed = sum(each.trouble is None for each in results)
    rows = "\n".join(each.row() for each in results)
    return f"""\
# On real BlueZ

Written by `make bluez`; what it does is told in [gateway/bluez](../gateway/bluez/README.md).

{passed} of {len(results)} scenarios passed on {datetime.now(UTC):%Y-%m-%d}: Linux \
{parts.kernel_version()}, BlueZ {parts.bluez_version()}, bleak {version("bleak")}, bumble \
{version("bumble")}, commit {_commit()}; the machine was up after {boot_s:.0f} s.

| scenario | result | seconds |
| --- | --- | ---: |
{rows}

Seconds on an emulated processor, most of which starts Python: they say nothing about speed.
"""


def _commit() -> str:
    command = ("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make bluez", description=(__doc__ or "").splitlines()[0])
    known = [each.__name__ for each in SCENARIOS]
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help=f"of {', '.join(known)}")
    asked = parser.parse_args().names
    if unknown := set(asked) - set(known):
        parser.error(f"no scenario {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    sys.exit(main(asked))
