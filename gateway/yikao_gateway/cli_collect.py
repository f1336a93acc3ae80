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

from yikao_devices.models import recognise
from yikao_devices.wire import (
    BloodPressureReading,
    DeviceEvent,
    GlucoseReading,
    Item,
    RefusedFrame,
    decode_item,
    kind_of,
)
from yikao_gateway.cli_settings import told
from yikao_gateway.household.home_clock import home_clock, machine_zone
from yikao_gateway.radio.open import open_radio, open_radios
from yikao_gateway.radio.ports import Advertisement
from yikao_gateway.state import make_folder, only_one, open_database
from yikao_gateway.store.outbox import Outbox, Row
from yikao_gateway.visits.agent import Agent
from yikao_gateway.visits.attention import Once, Pace, Watchful
from yikao_gateway.visits.choice import Choice, Listed, Target
from yikao_gateway.visits.collect import Printer, collect_until_quiet
from yikao_gateway.visits.intake import recover
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.visit import Visit, Visitor


def collect(arguments: argparse.Namespace) -> int:
    """Read what is in the air; return the exit code."""

    def work() -> None:
        with _folder(arguments.state) as folder:
            database = open_database(folder)
            try:
                asyncio.run(_collect(arguments, folder, Outbox(database), KnownDevices(database)))
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
    arguments: argparse.Namespace, folder: Path, outbox: Outbox, devices: KnownDevices
) -> None:
    zone = arguments.timezone or machine_zone()
    printer = Printer(outbox, _print_json if arguments.json else _print_text)
    now = home_clock(os.environ, zone)
    now.not_before(devices.newest())
    recover(outbox, devices, now, wait=False)
    radios = open_radios(arguments.radio, folder)
    keys = dict(arguments.passkey)
    listed = {address: Listed(passkey=n) for address, n in keys.items() if address is not None}
    pace = Pace()
    read: set[str] = set()

    def date_untimed() -> None:
        """Date what this machine's clock is too wrong for: nobody waits here for a better one."""
        if now.line is not None:
            recover(outbox, devices, now, wait=False)

    def on_visit(target: Target, visit: Visit) -> None:
        read.add(target.address)
        if agent.idle:
            date_untimed()
        printer.flush()
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
        await collect_until_quiet(agent, quiet_s, time.monotonic)
    finally:
        date_untimed()
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
    print(f"{item.device}  {_text(item)}", flush=True)


def _text(item: Item) -> str:
    """Return one item as a person would write it down."""
    match item:
        case BloodPressureReading():
            value = f"{item.systolic_mmhg:g}/{item.diastolic_mmhg:g} mmHg"
            if item.pulse_bpm is not None:
                value += f", pulse {item.pulse_bpm:g}"
            return f"{item.measured_at:%Y-%m-%d %H:%M}  {value}  {' '.join(item.flags)}"
        case GlucoseReading():
            number = item.glucose_mmol_l
            value = "no number" if number is None else f"{number:g} mmol/L"
            return f"{item.measured_at:%Y-%m-%d %H:%M}  {value}  {' '.join(item.flags)}"
        case DeviceEvent():
            return f"{item.measured_at:%Y-%m-%d %H:%M}  {item.code}"
        case RefusedFrame():
            return f"{item.clocks.t_hub:%Y-%m-%d %H:%M}  {item.frame} refused: {item.reason}"
        case _:
            return kind_of(item)


def scan(arguments: argparse.Namespace) -> int:
    """Print a table of what advertises; return the exit code."""
    return told(lambda: _print_table(asyncio.run(_scan(arguments.radio, arguments.seconds))))


def _print_table(heard: dict[str, Advertisement]) -> None:
    print(f"{'address':<18} {'dBm':>4}  {'model':<16} {'services':<16} name")
    for each in sorted(heard.values(), key=lambda each: each.address):
        model = recognise(each.name, each.services)
        kind = model.name if model else "-"
        services = " ".join(f"{service:04X}" for service in sorted(each.services))
        strength = "" if each.rssi is None else each.rssi
        print(f"{each.address:<18} {strength:>4}  {kind:<16} {services:<16} {each.name or ''}")
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
