"""The radio on controllers and devices that are not ours: bumble's own, behind bumble's sockets.

Its virtual controller never reports the end of a cancelled connection attempt and its reset does
nothing; the radio must not hang on either.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from bumble.att import Attribute
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport.common import AsyncPipeSink
from bumble.transport.tcp_server import open_tcp_server_transport
from bumble.transport.unix import open_unix_server_transport
from stage import STORY_MAX_S, Gateway

from yikao_gateway.radio.errors import DeadlinePassed, DeviceError
from yikao_gateway.radio.open import open_radio

SENSOR = "F0:F1:F2:F3:F4:F5"
OTHER = "F0:F1:F2:F3:F4:F6"
SECRET, COUNTER = 0x2A24, 0x2A37


class Sensor:
    """A device written with bumble's stock classes: one protected value, one that is notified."""

    def __init__(self, link: LocalLink, address: str, public_address: str | None = None) -> None:
        controller = Controller("sensor", link=link, public_address=public_address)
        name = AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, b"Sensor")])
        config = DeviceConfiguration(
            name="Sensor",
            address=Address(address),
            advertising_data=bytes(name),
            advertising_interval_min=50,
            advertising_interval_max=50,
        )
        self.device = Device(config=config, host=Host(controller, AsyncPipeSink(controller)))
        protected = Attribute.READABLE | Attribute.READ_REQUIRES_ENCRYPTION
        properties = Characteristic.Properties
        self.counter = Characteristic(
            UUID.from_16_bits(COUNTER), properties.NOTIFY, Attribute.READABLE, b""
        )
        secret = Characteristic(UUID.from_16_bits(SECRET), properties.READ, protected, b"secret")
        self.device.add_service(Service(UUID.from_16_bits(0x180D), [self.counter, secret]))
        self.counter.on(self.counter.EVENT_SUBSCRIPTION, self._on_subscription)
        self._sending: asyncio.Task[None] | None = None

    def _on_subscription(self, connection: Connection, notify: bool, _: bool) -> None:
        if notify:
            self._sending = asyncio.create_task(self._count(connection))

    async def _count(self, connection: Connection) -> None:
        for number in range(10):
            await self.device.notify_subscriber(connection, self.counter, bytes((number,)))


@contextlib.asynccontextmanager
async def controller(folder: Path, link: LocalLink, tcp: bool = False) -> AsyncIterator[str]:
    """Offer bumble's controller on a socket of bumble's; give the radio's setting for it."""
    if tcp:
        transport = await open_tcp_server_transport("127.0.0.1:0")
        port = transport.server.sockets[0].getsockname()[1]
        spec = f"sim:tcp:127.0.0.1:{port}"
    else:
        transport = await open_unix_server_transport(f"{folder}/hci")
        spec = f"sim:unix:{folder}/hci"
    Controller("gateway", host_source=transport.source, host_sink=transport.sink, link=link)
    try:
        yield spec
    finally:
        transport.server.close()
        await transport.server.wait_closed()


Story = Callable[[Gateway, LocalLink], Coroutine[Any, Any, None]]


def play(story: Story, folder: Path, tcp: bool = False) -> None:
    """Run `story` with a gateway on bumble's controller, and bumble's link for its devices."""

    async def run() -> None:
        link = LocalLink()
        async with asyncio.timeout(STORY_MAX_S), controller(folder, link, tcp) as spec:
            gateway = Gateway(open_radio(spec, folder / "state"))
            await gateway.start()
            try:
                await story(gateway, link)
            finally:
                await gateway.radio.stop()

    asyncio.run(run())


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
def test_a_foreign_device_on_a_foreign_controller_is_read(short_tmp, tcp):
    async def story(gateway: Gateway, link: LocalLink) -> None:
        sensor = Sensor(link, SENSOR)
        await sensor.device.power_on()
        await sensor.device.start_advertising()
        heard = await gateway.hears(SENSOR)
        assert heard.name == "Sensor"
        session = await gateway.connect(SENSOR)
        assert await session.read(SECRET) == b"secret"
        await session.subscribe(COUNTER)
        assert [value[0] for value in await gateway.receives(COUNTER, 10)] == list(range(10))
        await session.disconnect()

    play(story, short_tmp, tcp)


def test_a_refused_read_pairs_and_the_bond_serves_the_next_session(short_tmp):
    async def story(gateway: Gateway, link: LocalLink) -> None:
        # With a public address bumble's devices hand out an identity they do not use on the air.
        sensor = Sensor(link, SENSOR, public_address="00:11:22:33:44:55")
        begun: list[Connection] = []
        sensor.device.on("pairing_start", begun.append)
        await sensor.device.power_on()
        for _ in range(2):
            await sensor.device.start_advertising()
            session = await gateway.connect(SENSOR, pair=False)
            assert await session.read(SECRET) == b"secret"
            await session.disconnect()
        assert len(begun) == 1

    play(story, short_tmp)


def test_a_foreign_device_that_shows_a_passkey_is_paired(short_tmp):
    class Display(PairingDelegate):
        def __init__(self) -> None:
            super().__init__(PairingDelegate.DISPLAY_OUTPUT_ONLY)

        async def generate_passkey(self) -> int:
            return 314159

    async def story(gateway: Gateway, link: LocalLink) -> None:
        sensor = Sensor(link, SENSOR)
        sensor.device.pairing_config_factory = lambda _: PairingConfig(delegate=Display())
        await sensor.device.power_on()
        await sensor.device.start_advertising()
        session = await gateway.connect(SENSOR, passkey=314159)
        assert await session.read(SECRET) == b"secret"

    play(story, short_tmp)


def test_an_absent_device_does_not_block_the_next_connection(short_tmp):
    async def story(gateway: Gateway, link: LocalLink) -> None:
        sensor = Sensor(link, SENSOR)
        await sensor.device.power_on()
        with pytest.raises(DeadlinePassed):
            await gateway.connect(OTHER, deadline_s=0.3)
        await sensor.device.start_advertising()
        assert await (await gateway.connect(SENSOR)).read(SECRET) == b"secret"

    play(story, short_tmp)


def test_a_device_that_vanishes_while_it_is_connected_to_is_reached_when_it_returns(short_tmp):
    """The attempt can never be cancelled on this controller; it completes when nobody waits."""

    async def story(gateway: Gateway, link: LocalLink) -> None:
        sensor = Sensor(link, SENSOR)
        await sensor.device.power_on()
        await sensor.device.start_advertising()
        await gateway.hears(SENSOR)
        attempt = asyncio.create_task(gateway.connect(SENSOR, deadline_s=0.4))
        await sensor.device.stop_advertising()
        with pytest.raises(DeviceError):
            await attempt
        await sensor.device.start_advertising(auto_restart=True)
        while True:
            await gateway.hears(SENSOR)
            with contextlib.suppress(DeviceError):
                session = await gateway.connect(SENSOR, deadline_s=1)
                break
        assert await session.read(SECRET) == b"secret"

    play(story, short_tmp)


def test_the_radio_can_be_stopped_and_started_on_the_same_controller(short_tmp):
    async def story(gateway: Gateway, link: LocalLink) -> None:
        sensor = Sensor(link, SENSOR)
        await sensor.device.power_on()
        await sensor.device.start_advertising(auto_restart=True)
        for _ in range(2):
            assert await (await gateway.connect(SENSOR)).read(SECRET) == b"secret"
            await gateway.radio.stop()
            await gateway.start()

    play(story, short_tmp)
