"""The gateway as a whole: radio, outbox and courier put together, until it is told to stop."""

import asyncio
import logging
import random
import signal
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from yikao_gateway.agent import Agent, Choice, Listed
from yikao_gateway.alarms import Alarms
from yikao_gateway.attention import Pace, Watchful
from yikao_gateway.courier import Courier
from yikao_gateway.database import Database
from yikao_gateway.delivery import Post
from yikao_gateway.home_clock import Now
from yikao_gateway.intake import recover
from yikao_gateway.keys import SigningKey
from yikao_gateway.known_devices import KnownDevices
from yikao_gateway.outbox import Outbox
from yikao_gateway.prompts import Prompts, Show
from yikao_gateway.publisher import Broker
from yikao_gateway.radio.open import open_radio
from yikao_gateway.settings import Settings
from yikao_gateway.visit import Target, Visit, Visitor

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Home:
    """What a gateway has at home: its open database, its key, its clock, its display.

    damaged: where a broken outbox was put at this start, if one was.
    """

    database: Database
    key: SigningKey
    now: Now
    show: Show
    damaged: Path | None = None


async def run_gateway(settings: Settings, home: Home) -> None:
    """Read devices and hand on their readings until SIGTERM or SIGINT.

    Raises `StorageError` as soon as something cannot be stored: nothing may be read then.
    """
    stopped = _stop_signal()
    outbox, devices = Outbox(home.database), KnownDevices(home.database)
    post = make_post(settings, home, outbox, devices)
    if home.damaged is not None:
        post.alarms.set("outbox_damaged", on=True, about=home.damaged.name)
    recovered = recover(outbox, settings.zone)
    log.info(
        "gateway running",
        extra={"gateway": settings.id, "boot": post.boot, "recovered": recovered},
    )
    courier = Courier(post, broker_of(settings), time.monotonic)
    agent = make_agent(settings, home.now, post, courier)
    tasks = {
        asyncio.create_task(courier.run()),
        asyncio.create_task(agent.listen_for_ever()),
        asyncio.create_task(stopped.wait()),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
    log.info("gateway stopped")


def make_post(settings: Settings, home: Home, outbox: Outbox, devices: KnownDevices) -> Post:
    """Return who sends; each call counts as one start of the gateway."""
    return Post(
        tenant=settings.tenant,
        gateway=settings.id,
        boot=outbox.next_boot(),
        version=version("yikao"),
        radio=settings.radio,
        heartbeat_s=settings.heartbeat_s,
        key=home.key,
        outbox=outbox,
        devices=devices,
        prompts=Prompts(settings.language, home.now, home.show),
        now=home.now,
        chance=random.random,
        alarms=Alarms(settings.id, outbox, home.now),
    )


def make_agent(settings: Settings, now: Now, post: Post, courier: Courier) -> Agent:
    """Return the agent that visits the devices of `settings`. Raises `RadioSpecError`."""

    def on_visit(target: Target, visit: Visit) -> None:
        courier.wake()

    def on_radio(trouble: str | None) -> None:
        post.alarms.set("radio_unavailable", on=trouble is not None)
        if trouble is not None:
            log.warning("no radio", extra={"why": trouble})

    listed = {each.address: Listed(each.model, each.passkey) for each in settings.devices}
    pace = Pace(reread_s=settings.reread_s, eager_s=settings.eager_s)
    visitor = Visitor(
        open_radio(settings.radio, settings.state_dir), post.outbox, post.devices, now
    )
    return Agent(
        visitor,
        Choice(listed, only_listed=bool(listed)),
        lambda: Watchful(pace),
        on_visit,
        on_radio,
        time.monotonic,
    )


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
