"""`yikao-gateway collect` and `scan`: the gateway as a tool, without settings or a server."""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from yikao_devices.models import recognise
from yikao_devices.wire import decode_item
from yikao_gateway.cli_settings import told
from yikao_gateway.household.home_clock import HomeClock, home_clock, machine_zone
from yikao_gateway.item_text import text_of
from yikao_gateway.radio.open import open_radio, open_radios
from yikao_gateway.radio.ports import Advertisement
from yikao_gateway.state import make_folder, only_one, open_verified
from yikao_gateway.store.database import Database
from yikao_gateway.store.outbox import Outbox, Row
from yikao_gateway.store.printed import Printed
from yikao_gateway.visits.agent import Agent
from yikao_gateway.visits.attention import Once, Pace, Watchful
from yikao_gateway.visits.choice import Choice, Listed, Target
from yikao_gateway.visits.collect import Printer, collect_until_quiet
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.release import release
from yikao_gateway.visits.visit import Visit, Visitor

DAMAGED: Final = "the outbox was damaged; what is whole was saved, and devices are read anew. It is"


def collect(arguments: argparse.Namespace) -> int:
    """Read what is in the air; return the exit code."""

    def work() -> None:
        now = home_clock(os.environ, arguments.timezone or machine_zone())
        with _folder(arguments.state) as folder:
            database, damaged = open_verified(folder, now())
            if damaged is not None:
                print(f"{DAMAGED} {damaged}", file=sys.stderr)
            try:
                asyncio.run(_collect(arguments, folder, database, now))
            finally:
                database.close()

    return told(work)


@contextlib.contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        make_folder(chosen)
        with only_one(chosen):
            yield chosen
    else:
        with tempfile.TemporaryDirectory(prefix="yikao-") as folder:
            yield Path(folder)


async def _collect(
    arguments: argparse.Namespace, folder: Path, database: Database, now: HomeClock
) -> None:
    outbox, devices = Outbox(database), KnownDevices(database)
    printer = Printer(outbox, Printed(database), _print_json if arguments.json else _print_text)
    now.not_before(devices.newest())
    radios = open_radios(arguments.radio, folder)
    keys = dict(arguments.passkey)
    listed = {address: Listed(passkey=n) for address, n in keys.items() if address is not None}
    pace = Pace()
    read: set[str] = set()

    def show_what_is_due() -> None:
        # Also what this machine's clock is too wrong for: nobody waits here for a better one.
        release(outbox, devices, now, agent.visiting, undated=True)
        printer.flush()

    def on_visit(target: Target, visit: Visit) -> None:
        read.add(target.address)
        show_what_is_due()
        _progress(len(read), len(agent.tracked), printer.shown)

    agent = Agent(
        [Visitor(radio, outbox, devices, now, line=lambda: now.line) for radio in radios],
        Choice(listed, only_listed=False, passkey=keys.get(None)),
        (lambda: Once(pace)) if arguments.once else (lambda: Watchful(pace)),
        on_visit,
        lambda code, radio, why: None,
        time.monotonic,
    )
    try:
        quiet_s = arguments.seconds if arguments.once else float("inf")
        await collect_until_quiet(agent, quiet_s, time.monotonic, show_what_is_due)
    finally:
        release(outbox, devices, now, at_end=True)
        printer.flush()
        end = "\n" if read and sys.stderr.isatty() else ""
        summary = f"{end}{len(agent.tracked)} devices, {printer.shown} items"
        print(summary, file=sys.stderr)


def _progress(read: int, heard: int, items: int) -> None:
    if sys.stderr.isatty():
        line = f"\r{read} of {heard} devices read, {items} items"
        print(line, end="", file=sys.stderr, flush=True)


def _print_json(row: Row) -> None:
    print(row.payload.decode(), flush=True)


def _print_text(row: Row) -> None:
    item = decode_item(row.payload)
    print(f"{item.device}  {text_of(item)}", flush=True)


def scan(arguments: argparse.Namespace) -> int:
    """Print a table of what advertises; return the exit code."""
    return told(lambda: _print_table(asyncio.run(_scan(arguments.radio, arguments.seconds))))


def _print_table(heard: dict[str, Advertisement]) -> None:
    print(f"{'address':<18} {'dBm':>4}  {'model':<19} {'services':<16} name")
    for each in sorted(heard.values(), key=lambda each: each.address):
        model = recognise(each.name, each.services)
        kind = model.name if model else "-"
        services = " ".join(f"{service:04X}" for service in sorted(each.services))
        strength = "" if each.rssi is None else each.rssi
        print(f"{each.address:<18} {strength:>4}  {kind:<19} {services:<16} {each.name or ''}")
    ours = sum(recognise(each.name, each.services) is not None for each in heard.values())
    print(f"{len(heard)} devices heard, {ours} of a kind this gateway reads", file=sys.stderr)


async def _scan(spec: str, seconds: float) -> dict[str, Advertisement]:
    heard: dict[str, Advertisement] = {}
    with tempfile.TemporaryDirectory(prefix="yikao-") as folder:
        radio = open_radio(spec, Path(folder))
        await radio.start(lambda each: heard.update({each.address: each}))
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(radio.lost.wait(), seconds)
        finally:
            await radio.stop()
    return heard
