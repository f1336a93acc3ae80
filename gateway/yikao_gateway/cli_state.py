"""`yikao-gateway outbox`, `report`, `call-me`, `key`: beside a running gateway, on its files."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from yikao_devices.symptoms import NONE
from yikao_devices.wire import DeviceEvent, SymptomReport
from yikao_gateway.cli_settings import with_settings
from yikao_gateway.household.home_clock import home_clock
from yikao_gateway.household.said import call_for, report_of
from yikao_gateway.keys import load_key
from yikao_gateway.settings import Settings
from yikao_gateway.state import make_folder, open_database
from yikao_gateway.store.database import Database
from yikao_gateway.store.outbox import Counts, Outbox
from yikao_gateway.visits.known_devices import KnownDevices


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    make_folder(settings.state_dir)
    database = open_database(settings.state_dir)
    try:
        yield database
    finally:
        database.close()


def _present(settings: Settings) -> datetime:
    """Return the time; where the machine does not know it, the earliest that it can be."""
    clock = home_clock(os.environ, settings.zone)
    with _database(settings) as database:
        clock.not_before(KnownDevices(database).newest())
    return clock()


def outbox(arguments: argparse.Namespace) -> int:
    """Print what is in which state; return the exit code."""
    return with_settings(arguments.config, lambda settings: _outbox(settings, arguments))


def _outbox(settings: Settings, arguments: argparse.Namespace) -> None:
    with _database(settings) as database:
        opened = Outbox(database)
        if arguments.resend_rejected:
            count = opened.reopen_rejected()
            print(f"{count} rejected items will be sent again", file=sys.stderr)
        counts, room = opened.counts(), database.room()
        devices = KnownDevices(database)
        problems = {
            address: known.problem
            for address in devices.addresses()
            if (known := devices.get(address)) is not None
        }
    if arguments.json:
        told = {**asdict(counts), **asdict(room), "devices": problems}
        print(json.dumps(told, default=str))
    else:
        _print_outbox(counts, problems)
        print(f"room      {room.share:.0%} used of {room.bytes_max >> 20} MiB")


def _print_outbox(counts: Counts, problems: dict[str, str | None]) -> None:
    oldest = counts.oldest_open
    since = f", the oldest since {oldest:%Y-%m-%d %H:%M} UTC" if oldest is not None else ""
    print(f"waiting   {counts.open}{since}")
    print(f"stored    {counts.stored}   the server has them")
    print(f"rejected  {counts.rejected}   the server refused them")
    for code, count in sorted(counts.rejected_by_code.items()):
        print(f"          {count} {code}")
    print(f"damaged   {counts.damaged}   changed on the disk, never sent")
    for address, problem in problems.items():
        print(f"device    {address}  {problem or 'read without a problem'}")


def report(arguments: argparse.Namespace) -> int:
    """Put a symptom report into the outbox; return the exit code."""
    symptoms = tuple(dict.fromkeys(arguments.symptoms))
    if NONE in symptoms and len(symptoms) > 1:
        print(f"yikao-gateway: {NONE!r} stands alone", file=sys.stderr)
        return 2
    return with_settings(
        arguments.config, lambda settings: _report(settings, arguments.device, symptoms)
    )


def _report(settings: Settings, device: str, symptoms: tuple[str, ...]) -> None:
    at = _present(settings)
    _keep(settings, report_of(device, symptoms, at), at)
    print("reported", file=sys.stderr)


def call_me(arguments: argparse.Namespace) -> int:
    """Put a call for help into the outbox; return the exit code."""
    return with_settings(
        arguments.config, lambda settings: _call_me(settings, arguments.device or settings.id)
    )


def _call_me(settings: Settings, device: str) -> None:
    at = _present(settings)
    _keep(settings, call_for(device, at), at)
    print("the call is on its way", file=sys.stderr)


def _keep(settings: Settings, item: SymptomReport | DeviceEvent, at: datetime) -> None:
    """Put what somebody said into the outbox, also of a device that was never read.

    The server says whose it is, and what is said must not be lost.
    """
    with _database(settings) as database:
        known = {*KnownDevices(database).addresses(), *(each.address for each in settings.devices)}
        if item.device not in {*known, settings.id}:
            say = f"yikao-gateway: {item.device} was never read here; is it right?"
            print(say, file=sys.stderr)
        Outbox(database).add(item, at)


def key(arguments: argparse.Namespace) -> int:
    """Print the public key for the server's registry; return the exit code."""
    return with_settings(arguments.config, _key)


def _key(settings: Settings) -> None:
    make_folder(settings.state_dir)
    print(load_key(settings.state_dir).public_text)
    if sys.stderr.isatty():
        entry = f'[[gateways]]\nid = "{settings.id}"\ntenant = "{settings.tenant}"'
        print(f"for the registry:\n{entry}\npublic_key = the line above", file=sys.stderr)
