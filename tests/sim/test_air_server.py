"""The socket the simulator offers: its addresses, its callers, and what is left behind."""

import asyncio
import socket

import pytest
from stage import STORY_MAX_S, Stage, address, eventually, on_air

from yikao_gateway.radio.errors import RadioUnavailable
from yikao_sim.air import server as air_server
from yikao_sim.air.link import AirLink
from yikao_sim.air.server import AirServer
from yikao_sim.errors import ListenError


def refusal(spec: str) -> str:
    """Return why nothing can listen at `spec`."""

    async def start() -> None:
        server = AirServer(AirLink())
        try:
            await server.start(spec)
        finally:
            await server.close()

    with pytest.raises(ListenError) as caught:
        asyncio.run(start())
    return str(caught.value)


def test_a_socket_left_by_a_killed_simulator_is_replaced_and_removed_at_the_end(short_tmp):
    path = short_tmp / "air"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def start() -> None:
        server = AirServer(AirLink())
        await server.start(f"unix:{path}")
        await server.close()

    asyncio.run(start())
    assert not path.exists()


def test_a_socket_somebody_answers_on_is_left_alone(short_tmp):
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(f"{short_tmp}/air")
        live.listen()
        assert "another simulator" in refusal(f"unix:{short_tmp}/air")
    assert (short_tmp / "air").exists()


def test_a_file_is_never_overwritten(short_tmp):
    path = short_tmp / "letter"
    path.write_text("dear doctor")
    assert "is a file" in refusal(f"unix:{path}")
    assert path.read_text() == "dear doctor"


def test_a_port_that_is_taken_is_said_to_be(short_tmp):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "is taken" in refusal(f"tcp:127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.parametrize("spec", ["", "unix:", "tcp:9000", "tcp:127.0.0.1:many", "usb:0"])
def test_a_malformed_address_names_the_forms(spec):
    assert "unix:PATH or tcp:HOST:PORT" in refusal(spec)


def test_a_path_too_long_for_a_socket_is_refused(short_tmp):
    assert "cannot listen" in refusal(f"unix:{short_tmp}/{'x' * 120}")


@on_air()
async def test_a_caller_that_speaks_something_else_is_hung_up_on_and_others_go_on(stage: Stage):
    gateway = await stage.gateway()
    reader, writer = await asyncio.open_unix_connection(f"{stage.folder}/air")
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert await gateway.connect(address(stage.home.meter))


def test_a_caller_that_no_longer_reads_is_hung_up_on(short_tmp, monkeypatch):
    monkeypatch.setattr(air_server, "BACKLOG_MAX_BYTES", 50_000)

    @on_air()
    async def story(stage: Stage) -> None:
        _, writer = await asyncio.open_unix_connection(f"{stage.folder}/air")
        writer.transport.pause_reading()
        # Commands without end: each is answered, and nobody takes the answers.
        read_supported_commands = bytes.fromhex("01021000")
        with pytest.raises(ConnectionError):
            while True:
                writer.write(read_supported_commands * 500)
                await writer.drain()
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        await eventually(lambda: not stage.air.link.listeners)

    story(short_tmp)


def test_too_many_gateways_are_turned_away_until_one_leaves(short_tmp, monkeypatch):
    monkeypatch.setattr(air_server, "CALLERS_MAX", 2)

    @on_air()
    async def story(stage: Stage) -> None:
        first = await stage.gateway("first")
        await stage.gateway("second")
        with pytest.raises(RadioUnavailable):
            await stage.gateway("third")
        await first.radio.stop()
        await eventually(lambda: len(stage.air.link.listeners) == 1)
        await stage.gateway("third")

    story(short_tmp)


def test_closing_the_server_lets_its_callers_go(short_tmp):
    async def story() -> None:
        server = AirServer(AirLink())
        await server.start(f"unix:{short_tmp}/air")
        reader, writer = await asyncio.open_unix_connection(f"{short_tmp}/air")
        await eventually(lambda: bool(server._callers))
        await server.close()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    asyncio.run(asyncio.wait_for(story(), STORY_MAX_S))
