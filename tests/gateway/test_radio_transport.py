"""The socket under the simulated radio: refused, silent, foreign, lost; and the setting's forms."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from stage import Stage, address, on_air

from yikao_devices import gatt
from yikao_gateway.radio import bumble_adapter
from yikao_gateway.radio.errors import RadioSpecError, RadioUnavailable
from yikao_gateway.radio.open import open_radio


def refusal(spec: str, folder: Path) -> RadioUnavailable:
    """Return why the radio at `spec` cannot be started."""

    async def start() -> None:
        radio = open_radio(spec, folder)
        await radio.start(lambda _: None)

    with pytest.raises(RadioUnavailable) as caught:
        asyncio.run(start())
    return caught.value


def test_no_socket_file_says_how_to_start_a_simulator(short_tmp):
    told = refusal(f"sim:unix:{short_tmp}/none", short_tmp)
    assert f"yikao-sim air --listen unix:{short_tmp}/none" in told.remedy


def test_a_socket_file_nobody_listens_on_is_refused(short_tmp):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{short_tmp}/dead")
    assert "refused" in str(refusal(f"sim:unix:{short_tmp}/dead", short_tmp))


def test_a_closed_port_is_refused(short_tmp):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert "yikao-sim air" in refusal(f"sim:tcp:127.0.0.1:{port}", short_tmp).remedy


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_listener_that_is_no_controller_is_recognised(answer, short_tmp, monkeypatch):
    monkeypatch.setattr(bumble_adapter, "COMMAND_MAX_S", 0.2)

    async def start() -> None:
        hung_up = asyncio.Event()

        async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(4)
            if answer is not None:
                writer.write(answer)
            await reader.read()
            writer.close()
            await writer.wait_closed()
            hung_up.set()

        async with await asyncio.start_unix_server(impostor, f"{short_tmp}/odd"):
            with pytest.raises(RadioUnavailable, match="no Bluetooth controller answers"):
                await open_radio(f"sim:unix:{short_tmp}/odd", short_tmp).start(lambda _: None)
            await hung_up.wait()

    asyncio.run(start())


def test_a_start_that_is_cancelled_hangs_up(short_tmp):
    async def story() -> None:
        heard, hung_up = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(4)
            heard.set()
            await reader.read()
            writer.close()
            hung_up.set()

        async with await asyncio.start_unix_server(silent, f"{short_tmp}/silent"):
            radio = open_radio(f"sim:unix:{short_tmp}/silent", short_tmp)
            start = asyncio.create_task(radio.start(lambda _: None))
            await heard.wait()
            start.cancel()
            with pytest.raises(asyncio.CancelledError):
                await start
            await hung_up.wait()

    asyncio.run(story())


@on_air()
async def test_a_lost_socket_is_noticed_and_the_radio_can_be_started_again(stage: Stage):
    gateway = await stage.gateway()
    meter = address(stage.home.meter)
    link = await gateway.connect(meter)
    await stage.server.close()
    await gateway.radio.lost.wait()
    await link.disconnected.wait()
    with pytest.raises(RadioUnavailable, match="start it again"):
        await gateway.connect(meter)
    await gateway.radio.stop()
    with pytest.raises(RadioUnavailable):
        await gateway.start()
    await stage.serve()
    await gateway.start()
    assert not gateway.radio.lost.is_set()
    assert await (await gateway.connect(meter)).read(gatt.GLUCOSE_FEATURE)


@on_air()
async def test_the_socket_lost_while_connecting_ends_the_attempt_at_once(stage: Stage):
    gateway = await stage.gateway()
    attempt = asyncio.create_task(gateway.connect("C0:00:00:00:00:99", deadline_s=20))
    await gateway.hears(address(stage.home.meter))
    await stage.server.close()
    with pytest.raises(RadioUnavailable):
        await attempt


@on_air()
async def test_the_same_over_tcp(stage: Stage):
    await stage.server.close()
    await stage.server.start("tcp:127.0.0.1:0")
    stage.spec = f"sim:{stage.server.address}"
    gateway = await stage.gateway()
    assert await gateway.connect(address(stage.home.meter))


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "bluetooth",
        "sim",
        "sim:unix:",
        "sim:tcp:localhost",
        "sim:tcp:h:port",
        "sim:usb:0",
        "bluez:x",
    ],
)
def test_an_unknown_radio_names_the_known_ones(spec, tmp_path):
    with pytest.raises(RadioSpecError, match="sim:unix:PATH"):
        open_radio(spec, tmp_path)


def test_an_unreadable_bonds_file_is_put_aside(short_tmp):
    @on_air()
    async def story(stage: Stage) -> None:
        state = stage.folder / "gateway"
        state.mkdir()
        (state / "radio-bonds.json").write_text("{ half a fi")
        gateway = await stage.gateway()
        assert await gateway.connect(address(stage.home.meter))
        assert (state / "radio-bonds.unreadable").read_text() == "{ half a fi"

    story(short_tmp)


def run_without(module: str, code: str) -> str:
    """Return what `code` prints in a Python that lacks `module`."""
    blocked = f"import sys; sys.modules[{module!r}] = None\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", blocked],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere/bus"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_bumble_the_simulated_radio_says_what_to_install():
    code = (
        "from pathlib import Path\n"
        "from yikao_gateway.radio.open import open_radio\n"
        "from yikao_gateway.radio.errors import RadioUnavailable\n"
        "try: open_radio('sim:unix:/x', Path('/tmp'))\n"
        "except RadioUnavailable as error: print(error.remedy)\n"
    )
    assert "pip install 'yikao[sim]'" in run_without("bumble", code)


def test_without_bumble_and_bus_the_real_radio_says_what_to_start():
    code = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from yikao_gateway.radio.open import open_radio\n"
        "from yikao_gateway.radio.errors import RadioUnavailable\n"
        "async def main():\n"
        "    try: await open_radio('bluez', Path('/tmp')).start(print)\n"
        "    except RadioUnavailable as error: print(error.remedy)\n"
        "asyncio.run(main())\n"
    )
    assert "systemctl start bluetooth" in run_without("bumble", code)
