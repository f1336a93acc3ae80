"""Opens the radios a setting names: the machine's own Bluetooth, or simulated ones on sockets.

`bluez`                 the Linux Bluetooth stack, its first adapter
`bluez:hci0,hci1`       the same, these adapters
`sim:unix:PATH`         a virtual controller on a Unix socket, as `yikao-sim air` offers
`sim:tcp:HOST:PORT`     the same over TCP; several are separated by commas
"""

import re
from pathlib import Path

from yikao_gateway.radio.bleak_radio import BleakRadio, Stack
from yikao_gateway.radio.errors import RadioSpecError, RadioUnavailable
from yikao_gateway.radio.ports import Pairing, Radio

FORMS = "bluez, bluez:hci0,hci1, sim:unix:PATH or sim:tcp:HOST:PORT"
RADIOS_MAX = 4
"""Adapters of one gateway; a corridor needs two."""
_ADAPTER = re.compile(r"hci[0-9]{1,2}").fullmatch


def open_radio(spec: str, state_dir: Path) -> Radio:
    """Return the first radio that `spec` names; raises as `open_radios` does."""
    return open_radios(spec, state_dir)[0]


def open_radios(spec: str, state_dir: Path) -> tuple[Radio, ...]:
    """Return the radios that `spec` names, not yet started.

    `state_dir` keeps the simulated radios' own addresses and bonds (BlueZ keeps its own). Raises
    `RadioSpecError` when `spec` is none of the forms, `RadioUnavailable` when the simulated radio
    is not installed.
    """
    kind, _, rest = spec.partition(":")
    names = rest.split(",")
    if kind == "bluez" and (not rest or (_are_distinct(names) and all(map(_ADAPTER, names)))):
        return _of_this_machine(names)
    if kind == "sim" and _are_distinct(names) and all(map(_is_socket, _sockets(names))):
        return tuple(
            # The first keeps its bonds where a lone one does.
            _simulated(each, state_dir / f"radio-{number}" if number else state_dir)
            for number, each in enumerate(_sockets(names))
        )
    raise RadioSpecError(f"radio {spec!r} is none of {FORMS}")


def _are_distinct(names: list[str]) -> bool:
    return len(set(names)) == len(names) <= RADIOS_MAX and all(names)


def _sockets(names: list[str]) -> list[str]:
    """Return `unix:A`, `unix:B` for `unix:A,unix:B`, and for `unix:A,sim:unix:B` as well."""
    return [name.removeprefix("sim:") for name in names]


def _is_socket(name: str) -> bool:
    kind, _, address = name.partition(":")
    return bool(address) and (kind == "unix" or (kind == "tcp" and _is_host_and_port(address)))


def _of_this_machine(names: list[str]) -> tuple[Radio, ...]:
    from yikao_gateway.radio.bluez_adapter import BluezAdapter

    pairings: dict[str, Pairing] = {}
    return tuple(
        BleakRadio(
            Stack(
                BluezAdapter(name or None, pairings),
                scanner={"bluez": {"adapter": name}} if name else {},
                client={"bluez": {"adapter": name}} if name else {},
            )
        )
        for name in names
    )


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
