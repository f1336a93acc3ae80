"""Where a simulator listens: a Unix socket or a TCP port, written `unix:PATH` or `tcp:HOST:PORT`.

A socket file left over from a simulator that was killed is removed; one that still answers is not.
"""

import asyncio
import errno
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from yikao_sim.errors import ListenError

FORMS = "unix:PATH or tcp:HOST:PORT"
PROBE_MAX_S = 1.0
"""A live listener accepts at once."""


async def listen(
    spec: str, protocol: Callable[[], asyncio.BaseProtocol]
) -> tuple[asyncio.Server, str]:
    """Return a server at `spec`, and the address it really has (port 0 picks a free one).

    Raises `ListenError` when the address is malformed, taken or not ours to use.
    """
    loop = asyncio.get_running_loop()
    try:
        match spec.split(":", 1):
            case ["unix", path] if path:
                await asyncio.to_thread(clear_stale_socket, Path(path))
                return await loop.create_unix_server(protocol, path), spec
            case ["tcp", address] if ":" in address:
                host, _, port = address.rpartition(":")
                server = await loop.create_server(protocol, host.strip("[]"), int(port))
                return server, f"tcp:{host}:{server.sockets[0].getsockname()[1]}"
            case _:
                raise ListenError(f"{spec!r} is no address to listen on: write {FORMS}")
    except ValueError as error:
        raise ListenError(f"{spec!r}: {error}; write {FORMS}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ListenError(f"{spec} is taken: free it or choose another") from error
        raise ListenError(f"cannot listen at {spec}: {error.strerror or error}") from error


async def close(server: asyncio.Server, spec: str) -> None:
    """Stop listening at `spec` and remove its socket file."""
    server.close()
    await server.wait_closed()
    if spec.startswith("unix:"):
        await asyncio.to_thread(Path(spec.removeprefix("unix:")).unlink, missing_ok=True)


def clear_stale_socket(path: Path) -> None:
    """Make room for a socket at `path`; refuse when somebody answers there or it is a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"{path} is a file, not a socket: choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_MAX_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ListenError(
        f"another simulator already listens at {path}: stop it or choose another path"
    )
