"""Opens the radio a setting names: the machine's own Bluetooth, or a simulated one on a socket.

`bluez`                 the Linux Bluetooth stack
`sim:unix:PATH`         a virtual controller on a Unix socket, as `yikao-sim air` offers
`sim:tcp:HOST:PORT`     the same over TCP
"""

from pathlib import Path

from yikao_gateway.radio.bleak_radio import BleakRadio, Stack
from yikao_gateway.radio.errors import RadioSpecError, RadioUnavailable
from yikao_gateway.radio.ports import Radio

FORMS = "bluez, sim:unix:PATH or sim:tcp:HOST:PORT"


def open_radio(spec: str, state_dir: Path) -> Radio:
    """Return the radio that `spec` names, not yet started.

    `state_dir` keeps the simulated radio's own address and bonds (BlueZ keeps its own). Raises
    `RadioSpecError` when `spec` is none of the three forms, `RadioUnavailable` when the simulated
    radio is not installed.
    """
    match spec.split(":", 2):
        case ["bluez"]:
            from yikao_gateway.radio.bluez_adapter import BluezAdapter

            return BleakRadio(Stack(BluezAdapter()))
        case ["sim", "unix", path] if path:
            return _simulated(f"unix:{path}", state_dir)
        case ["sim", "tcp", address] if _is_host_and_port(address):
            return _simulated(f"tcp:{address}", state_dir)
        case _:
            raise RadioSpecError(f"radio {spec!r} is none of {FORMS}")


def _is_host_and_port(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) <= 65535


def _simulated(transport: str, state_dir: Path) -> Radio:
    try:
        # Not at the top: a gateway on real Bluetooth has no bumble.
        from yikao_gateway.radio.bumble_adapter import BumbleAdapter
        from yikao_gateway.radio.bumble_client import BumbleClient
        from yikao_gateway.radio.bumble_scanner import BumbleScanner
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "bumble":
            raise
        raise RadioUnavailable(
            "the simulated radio is not installed", "install it: `pip install 'yikao[sim]'`"
        ) from error
    adapter = BumbleAdapter(transport, state_dir)
    return BleakRadio(
        Stack(
            adapter,
            scanner={"backend": BumbleScanner, "bumble": adapter},
            client={"backend": BumbleClient, "bumble": adapter},
        )
    )
