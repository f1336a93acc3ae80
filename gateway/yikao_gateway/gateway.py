"""The gateway as a whole: radio, outbox and courier put together, until it is told to stop."""

import asyncio
import logging
import random
import signal
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from yikao_devices.version import VERSION
from yikao_devices.wire import Item, Machine, decode_item
from yikao_gateway.configuration.configured import Configured
from yikao_gateway.configuration.machine import machine_of
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.household.prompts import Prompts, Show
from yikao_gateway.household.speech import Speaker, find_speaker
from yikao_gateway.household.station import Station
from yikao_gateway.keys import SigningKey
from yikao_gateway.page.household import Household
from yikao_gateway.page.routes import Pages
from yikao_gateway.page.server import is_served, serving
from yikao_gateway.radio.open import open_radios
from yikao_gateway.settings import Settings
from yikao_gateway.settings_values import PageAddress
from yikao_gateway.store.database import Database
from yikao_gateway.store.keeper import Keeper
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.store.stock import Stock
from yikao_gateway.uplink.courier import Courier
from yikao_gateway.uplink.delivery import Post
from yikao_gateway.uplink.publisher import Broker
from yikao_gateway.visits.agent import Agent
from yikao_gateway.visits.attention import Pace, Watchful
from yikao_gateway.visits.choice import Bonding, Choice, Listed, Target
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.pairing_mode import PairingMode
from yikao_gateway.visits.release import release
from yikao_gateway.visits.timekeeper import keep_time
from yikao_gateway.visits.visit import Visit, Visitor

log = logging.getLogger(__name__)

NEWEST_MAX: Final = 20
"""A device sends its newest record last; so many are looked through for one just measured."""


@dataclass(frozen=True, slots=True)
class Home:
    """What a gateway has at home: its open database, its key, its clock, its display.

    damaged: where a broken outbox was put at this start, if one was.
    """

    database: Database
    key: SigningKey
    now: HomeClock
    show: Show
    damaged: Path | None = None


async def run_gateway(settings: Settings, home: Home) -> None:
    """Read devices and hand on their readings until SIGTERM or SIGINT.

    Another configuration from the server is another gateway, built anew here. Without room for what
    devices say they are not read. Raises `StorageError` as soon as something cannot be stored for
    another reason.
    """
    stopped = _stop_signal()
    home.now.not_before(KnownDevices(home.database).newest())
    machine = await asyncio.to_thread(machine_of, settings)
    configured = Configured(home.database, settings, home.now, time.monotonic)
    while not stopped.is_set():
        await _run_once(configured.begin(), home, _Beside(configured, machine, stopped))
        # Told once: the gateway built anew has the mended outbox.
        home = replace(home, damaged=None)
    log.info("gateway stopped")


@dataclass(frozen=True, slots=True)
class _Beside:
    """What outlives a gateway that is built anew."""

    configured: Configured
    machine: Callable[[], Machine]
    stopped: asyncio.Event


async def _run_once(settings: Settings, home: Home, beside: _Beside) -> None:
    """Run one gateway of these settings until it is stopped, or to be built anew."""
    station = Station(home.database, home.now) if settings.station else None
    placed = tuple if station is None else station.placed
    outbox, devices = Outbox(home.database, placed), KnownDevices(home.database)
    speaker = find_speaker(settings.language) if settings.speak else None
    post = make_post(settings, home, outbox, devices, _shown_and_said(home.show, speaker))
    post = replace(post, configured=beside.configured, machine=beside.machine)
    if home.damaged is not None:
        post.alarms.set("outbox_damaged", on=True, about=home.damaged.name)
    log.info("gateway running", extra={"gateway": settings.id, "boot": post.boot})
    courier = Courier(post, broker_of(settings), time.monotonic)
    pairing = PairingMode()
    agent = make_agent(settings, home.now, post, courier, pairing)
    pages = Pages(_household(post, pairing, courier, station), settings.language)
    keeper = Keeper(Stock(home.database), post.alarms, home.now)

    async def read() -> None:
        log.info("devices are read")
        await agent.listen_for_ever()

    def release_what_is_due() -> None:
        if new := release(outbox, devices, home.now, agent.visiting):
            for device in devices.addresses():
                _answer_prompt(post, device, new)
            courier.wake()

    keeping_time = keep_time(home.now, post.alarms, lambda: agent.idle, release_what_is_due)
    work = [courier.run(), keeper.run(), keeper.guard(read), keeping_time, post.prompts.run()]
    if speaker is not None:
        work.append(speaker.speak_for_ever())
    if settings.cert_file is not None:
        work.append(_keep_certificate(settings, settings.cert_file, home, post))
    async with serving(pages, settings.page, anywhere=settings.page_anywhere) as port:
        watching = beside.configured.watch(lambda: _page_answers(settings.page, port))
        await _until_one_ends([*work, watching, beside.stopped.wait()])


def _keep_certificate(
    settings: Settings, file: Path, home: Home, post: Post
) -> Coroutine[Any, Any, None]:
    """Look after the certificate; one that was made by hand is only looked at."""
    # X.509 takes 2 MB, which a gateway without a certificate can do without.
    from yikao_gateway.enrolment.enrol import renew
    from yikao_gateway.enrolment.renewal import keep_certificate

    next_one = partial(renew, settings.state_dir, home.key) if settings.renews else None
    return keep_certificate(file, home.now, post.alarms, random.random, next_one)


async def _page_answers(address: PageAddress | None, port: int | None) -> bool:
    """Return whether the page answers, where one is served at all."""
    if address is None or port is None:
        return True
    return await is_served(replace(address, port=port))


async def _until_one_ends(work: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Do all of it until one ends, well or with an error, which is raised."""
    tasks = {asyncio.create_task(each) for each in work}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()


def _household(
    post: Post, pairing: PairingMode, courier: Courier, station: Station | None
) -> Household:
    return Household(
        post.gateway,
        post.version,
        post.outbox,
        post.devices,
        post.prompts,
        post.alarms,
        pairing,
        post.now,
        time.monotonic,
        courier.wake,
        station,
    )


def _shown_and_said(show: Show, speaker: Speaker | None) -> Show:
    """Return what shows a prompt, and says its text where somebody speaks."""

    def both(prompt: dict[str, Any]) -> None:
        show(prompt)
        if speaker is not None:
            speaker.say(prompt["prompt"]["text"])

    return both


def make_post(
    settings: Settings, home: Home, outbox: Outbox, devices: KnownDevices, show: Show
) -> Post:
    """Return who sends; each call counts as one start of the gateway."""
    return Post(
        tenant=settings.tenant,
        gateway=settings.id,
        boot=outbox.next_boot(),
        version=VERSION,
        radio=settings.radio,
        heartbeat_s=settings.heartbeat_s,
        key=home.key,
        outbox=outbox,
        devices=devices,
        prompts=Prompts(settings.language, home.now, show, home.database),
        now=home.now,
        chance=random.random,
        alarms=Alarms(settings.id, outbox, home.now),
        told=home.now.told,
        backlog_rows=settings.backlog_rows,
    )


def make_agent(
    settings: Settings, now: HomeClock, post: Post, courier: Courier, pairing: PairingMode
) -> Agent:
    """Return the agent that visits the devices of `settings`. Raises `RadioSpecError`."""

    def on_visit(target: Target, visit: Visit) -> None:
        courier.wake()
        if visit.new_items:
            _answer_prompt(post, target.address, visit.new_items)

    def on_radio(code: str, radio: str, why: str | None) -> None:
        post.alarms.set(code, on=why is not None, about=radio)
        if why is not None:
            log.warning("radio in trouble", extra={"code": code, "radio": radio, "why": why})

    listed = {each.address: Listed(each.model, each.passkey) for each in settings.devices}
    pace = Pace(reread_s=settings.reread_s, eager_s=settings.eager_s)
    visitors = [
        Visitor(radio, post.outbox, post.devices, now, pairing, time.monotonic, lambda: now.line)
        for radio in open_radios(settings.radio, settings.state_dir)
    ]
    return Agent(
        visitors,
        Choice(listed, only_listed=bool(listed), bonding=Bonding(settings.pairing)),
        lambda: Watchful(pace),
        on_visit,
        on_radio,
        time.monotonic,
    )


def _answer_prompt(post: Post, device: str, new: int) -> None:
    """Say that a device was measured with, if that was asked for. new: so many items just came."""
    if post.prompts.awaits(device):
        post.prompts.read(device, _newest(post.outbox, new))


def _newest(outbox: Outbox, count: int) -> list[Item]:
    """Return the newest items, up to `count` of them; what the server has already is left out."""
    after = outbox.last_seq() - min(count, NEWEST_MAX)
    return [decode_item(row.payload) for row in outbox.waiting(NEWEST_MAX, after)]


def broker_of(settings: Settings) -> Broker:
    """Return where the broker is and how to get in."""
    return Broker(
        settings.broker.host,
        settings.broker.port,
        settings.broker.tls,
        settings.ca_file,
        settings.cert_file,
        settings.key_file,
        settings.username,
        settings.password_file,
    )


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped
