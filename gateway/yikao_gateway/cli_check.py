"""`yikao-gateway check`: is everything ready, and what is to be done where it is not?"""

import argparse
import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from yikao_devices.story_clock import ClockSpecError
from yikao_devices.topics import TO_GATEWAY, topic
from yikao_gateway.cli_settings import settings_or_say
from yikao_gateway.enrolment.certificate import Phase, read_certificate
from yikao_gateway.errors import (
    BrokerUnreachable,
    EnrolmentError,
    KeyFileError,
    PageUnavailable,
    StorageError,
)
from yikao_gateway.gateway import broker_of
from yikao_gateway.household.home_clock import home_clock
from yikao_gateway.keys import load_key
from yikao_gateway.page.server import try_page
from yikao_gateway.radio.errors import RadioSpecError, RadioUnavailable
from yikao_gateway.radio.open import open_radios
from yikao_gateway.settings import Settings
from yikao_gateway.state import make_folder, open_database
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.uplink.publisher import (
    Closed,
    Happening,
    Opened,
    Presence,
    Publisher,
    SubscriptionRefused,
)

FREE_BYTES_MIN: Final = 64 * 1024 * 1024
"""Years of readings; below it something else fills the disk."""
CLOCK_MIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this program was written: the clock was never set."""
BROKER_MAX_S: Final = 15.0
LISTEN_S: Final = 0.5
"""Within this a broker that takes us also refuses what we may not hear."""

_TROUBLE: Final = (
    StorageError,
    KeyFileError,
    PageUnavailable,
    ClockSpecError,
    RadioSpecError,
    RadioUnavailable,
    BrokerUnreachable,
    EnrolmentError,
)


def run(arguments: argparse.Namespace) -> int:
    """Print what is ready and what is not; return the exit code."""
    settings = settings_or_say(arguments.config)
    if settings is None:
        return 2
    for line in _shown(settings):
        print(line)
    parts: dict[str, Callable[[Settings], str]] = {
        "clock": _clock,
        "state": _state,
        "key": _key,
        "radio": _radio,
        "certificate": _certificate,
        "broker": _broker,
        "page": _page,
    }
    good = True
    for name, part in parts.items():
        try:
            print(f"ok    {name:<11} {part(settings)}")
        except _TROUBLE as error:
            good = False
            print(f"FAIL  {name:<11} {error}")
    return 0 if good else 1


def _shown(settings: Settings) -> Iterator[str]:
    """Give the settings without what is secret."""
    yield f"      gateway {settings.id} of {settings.tenant}, {settings.language}"
    if settings.station:
        yield "      station many use its cuff, each with a card before the reader"
    for device in settings.devices:
        model = device.model.name if device.model else "as recognised"
        passkey = ", with a passkey" if device.passkey is not None else ""
        yield f"      device  {device.address} {model}{passkey}"
    if not settings.devices:
        yield "      device  each in the air is read, none is bonded: list yours under [[devices]]"


def _clock(settings: Settings) -> str:
    now = home_clock(os.environ, settings.zone)()
    if now < CLOCK_MIN:
        raise ClockSpecError(f"the clock says {now:%Y-%m-%d}: connect a time server")
    return f"{now:%Y-%m-%d %H:%M:%S} {settings.zone.key}"


def _state(settings: Settings) -> str:
    make_folder(settings.state_dir)
    free = shutil.disk_usage(settings.state_dir).free
    if free < FREE_BYTES_MIN:
        raise StorageError(f"{settings.state_dir} has {free // 2**20} MiB left: make room")
    database = open_database(settings.state_dir)
    try:
        with database.write():
            waiting = Outbox(database).counts().open
    finally:
        database.close()
    return f"{settings.state_dir}, {waiting} items wait"


def _key(settings: Settings) -> str:
    return f"{load_key(settings.state_dir).key_id}"


def _radio(settings: Settings) -> str:
    async def start() -> None:
        for radio in open_radios(settings.radio, settings.state_dir):
            try:
                await radio.start(lambda heard: None)
            finally:
                await radio.stop()

    asyncio.run(start())
    return f"{settings.radio} listens"


def _certificate(settings: Settings) -> str:
    if settings.cert_file is None:
        return "none: the broker knows us by a password, or not at all"
    now = home_clock(os.environ, settings.zone)()
    certificate = read_certificate(settings.cert_file.read_bytes())
    until = f"{certificate.ends.astimezone(settings.zone):%Y-%m-%d %H:%M}"
    match certificate.phase(now):
        case Phase.ENDED:
            raise EnrolmentError(f"it ended on {until}: enrol with a new code")
        case Phase.LATE if settings.renews:
            raise EnrolmentError(f"it ends on {until}, and is not renewed: look at the log")
    renewed = "renewed by itself" if settings.renews else "nothing renews it"
    return f"until {until}, {renewed}"


def _broker(settings: Settings) -> str:
    asyncio.run(_connect(settings))
    scheme = "mqtts" if settings.broker.tls else "mqtt"
    return f"{scheme}://{settings.broker.host}:{settings.broker.port} takes us"


def _page(settings: Settings) -> str:
    if settings.page is None:
        return "none is served: page is not set"
    return asyncio.run(try_page(settings.page))


async def _connect(settings: Settings) -> None:
    """Connect under a name of its own: under the gateway's the running one would be put out."""
    happenings: asyncio.Queue[Happening] = asyncio.Queue()
    topics = [topic(settings.tenant, settings.id, channel) for channel in TO_GATEWAY]
    presence = Presence(f"{settings.id}-check", topics, session_expiry_s=0)
    publisher = Publisher(broker_of(settings), presence, happenings.put_nowait)
    publisher.open()
    wait_s, opened = BROKER_MAX_S, False
    try:
        while True:
            async with asyncio.timeout(wait_s):
                happening = await happenings.get()
            match happening:
                case Opened():
                    wait_s, opened = LISTEN_S, True
                case Closed(reason):
                    raise BrokerUnreachable(f"{reason}: is the address right, is it running?")
                case SubscriptionRefused(reason):
                    raise BrokerUnreachable(f"it refuses our topics ({reason}): mend its ACL")
    except TimeoutError as error:
        if not opened:
            raise BrokerUnreachable(f"no answer within {BROKER_MAX_S:g} s") from error
    finally:
        publisher.close()
