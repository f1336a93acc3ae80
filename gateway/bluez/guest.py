"""The virtual machine: it is started, asked to do things, and switched off.

It is emulated, so it needs no virtualisation and no root; it has no network. Three serial lines
lead into it: to the simulated radio, to its shell, and from the gateway that runs inside.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from packages import Parts

MEMORY_MB: Final = 768
BOOT_MAX_S: Final = 150.0
ANSWER_MAX_S: Final = 60.0
"""For a command inside; an emulated processor takes seconds to start Python."""
LINE_MAX_BYTES: Final = 256 * 1024
END_MAX_S: Final = 5.0

Item = dict[str, Any]


class GuestError(Exception):
    """The machine did not do what it was asked; its console says more."""


class Port:
    """This end of a serial line: the machine's emulator calls at a socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ends: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._server: asyncio.Server
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def listen(self) -> None:
        self._ends = asyncio.Queue()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._ends.put((reader, writer))

        self._server = await asyncio.start_unix_server(take, self.path, limit=LINE_MAX_BYTES)

    async def connected(self) -> None:
        self._reader, self._writer = await self._ends.get()

    async def read(self) -> str:
        """Return the next line. Raises `GuestError` when the machine is off."""
        line = await self._reader.readline()
        if not line:
            raise GuestError("the virtual machine went down")
        return line.decode().rstrip("\n")

    def write(self, line: str) -> None:
        """Send a line; one to a machine that is off is lost."""
        if self._writer is not None:
            self._writer.write(f"{line}\n".encode())

    def close(self) -> None:
        self._server.close()


class Gateway:
    """A gateway that runs inside, and the items it has stored, as it prints them."""

    def __init__(self, port: Port) -> None:
        self.items: list[Item] = []
        self.exit_code: int | None = None
        self._port = port
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def shows(self, enough: Callable[[list[Item]], bool]) -> None:
        """Return when `enough` holds for its items; the caller has the deadline."""
        while not enough(self.items):
            if self._reading.done():
                self._reading.result()
                raise GuestError(f"the gateway ended with {self.exit_code}")
            self._news.clear()
            await self._news.wait()

    async def ended(self) -> None:
        await self._reading

    async def _read(self) -> None:
        try:
            while not (line := await self._port.read()).startswith("end "):
                self.items.append(json.loads(line))
                self._news.set()
            self.exit_code = int(line.split()[1])
        finally:
            self._news.set()


class Guest:
    """The running machine."""

    def __init__(self, shell: Port, gateway: Port) -> None:
        self._shell = shell
        self._gateway = gateway

    async def ask(self, command: str, within_s: float = ANSWER_MAX_S) -> list[str]:
        """Return what `command` prints; see `init` for what can be asked."""
        self._shell.write(command)
        try:
            async with asyncio.timeout(within_s):
                return await self._answer(command)
        except TimeoutError as error:
            raise GuestError(f"`{command}` did not end within {within_s:g} s") from error

    @contextlib.asynccontextmanager
    async def gateway(self, state: str, *options: str, end: str = "TERM") -> AsyncIterator[Gateway]:
        """Run the gateway inside, on real BlueZ; `state` names its folder, `end` the signal."""
        command = f"collect --json --radio bluez --state /run/state/{state}"
        await self.ask(" ".join(("gateway", state, command, *options)))
        gateway = Gateway(self._gateway)
        try:
            yield gateway
        finally:
            await self.ask(f"end_gateway {end}")
            await gateway.ended()

    async def _answer(self, command: str) -> list[str]:
        lines: list[str] = []
        while not (line := await self._shell.read()).startswith("done "):
            lines.append(line)
        if line != "done 0":
            raise GuestError(f"`{command}` failed: {' '.join(lines)}")
        return lines


@contextlib.asynccontextmanager
async def booted(parts: Parts, image: Path, air: Path, folder: Path) -> AsyncIterator[Guest]:
    """Run the machine. image: what it boots; air: the radio's socket; folder: for sockets, console.

    Raises `GuestError` when it does not come up.
    """
    shell, gateway = Port(folder / "shell"), Port(folder / "gateway")
    await shell.listen()
    await gateway.listen()
    process = await asyncio.create_subprocess_exec(
        *_command(parts, image, air, folder),
        env=parts.environment(),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        await _ready(process, shell, gateway)
        yield Guest(shell, gateway)
    finally:
        await _switch_off(process, shell)
        shell.close()
        gateway.close()


async def _ready(process: asyncio.subprocess.Process, shell: Port, gateway: Port) -> None:
    async def come_up() -> None:
        await shell.connected()
        await gateway.connected()
        while await shell.read() != "ready":
            pass

    coming, dead = asyncio.create_task(come_up()), asyncio.create_task(process.wait())
    try:
        await asyncio.wait({coming, dead}, timeout=BOOT_MAX_S, return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            why = f"qemu ended with {dead.result()}" if dead.done() else "it does not answer"
            raise GuestError(f"the virtual machine did not come up: {why}")
        coming.result()
    finally:
        coming.cancel()
        dead.cancel()


async def _switch_off(process: asyncio.subprocess.Process, shell: Port) -> None:
    shell.write("poweroff -f")
    try:
        await asyncio.wait_for(process.wait(), END_MAX_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _command(parts: Parts, image: Path, air: Path, folder: Path) -> list[str]:
    shared = parts.root / "usr/share"
    data = ("-L", str(shared / "qemu"), "-L", str(shared / "seabios"))
    boot = ["-kernel", str(parts.find("boot/vmlinuz-*")), "-initrd", str(image)]
    share = "path=/,mount_tag=outside,security_model=none,readonly=on,multidevs=remap"
    words = "console=ttyS0 loglevel=4 panic=-1 oops=panic"
    return [
        *(str(parts.find("usr/bin/qemu-system-x86_64")), *data),
        *("-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "1", "-m", f"{MEMORY_MB}M"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *(*boot, "-append", words, "-serial", f"file:{folder / 'console'}"),
        *("-virtfs", f"local,{share}"),
        *("-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=air,path={air}", "-device", "virtconsole,chardev=air"),
        *_line("shell", folder),
        *_line("gateway", folder),
    ]


def _line(name: str, folder: Path) -> tuple[str, ...]:
    socket = f"socket,id={name},path={folder / name}"
    return ("-chardev", socket, "-device", f"virtserialport,chardev={name},name={name}")
