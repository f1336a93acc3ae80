"""Asks a running air to do something: one JSON line out, one back, on a connection of its own.

The other side, and all that can be asked, is control.py.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from yikao_sim.errors import SimError

ANSWER_MAX_S: Final = 10.0
"""An air answers at once; one that does not is gone or overwhelmed."""
ANSWER_MAX_BYTES: Final = 4 * 1024 * 1024
"""The largest answer lists a town's homes, half a kilobyte each."""


class AirError(SimError):
    """The air is not there, or does not do what it was asked; the message says which."""


async def ask(spec: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of the air whose control is at `spec` (`unix:PATH` or `tcp:HOST:PORT`).

    Raises `AirError` when there is none, or it says no.
    """
    try:
        async with asyncio.timeout(ANSWER_MAX_S):
            line = await _exchange(spec, json.dumps(request).encode() + b"\n")
        answer = json.loads(line)
    except TimeoutError as error:
        raise AirError(f"the air at {spec} does not answer: restart it") from error
    except OSError as error:
        raise AirError(f"no air at {spec}: `yikao-sim air --control {spec}` ({error})") from error
    except ValueError as error:
        raise AirError(f"what answers at {spec} is no air: {error}") from error
    if not (isinstance(answer, dict) and answer.get("ok") is True):
        why = answer.get("error") if isinstance(answer, dict) else answer
        raise AirError(f"the air refuses {request.get('do')}: {why}")
    return answer


async def _exchange(spec: str, line: bytes) -> bytes:
    reader, writer = await _connect(spec)
    try:
        writer.write(line)
        await writer.drain()
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def _connect(spec: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    match spec.split(":", 1):
        case ["unix", path] if path:
            return await asyncio.open_unix_connection(path, limit=ANSWER_MAX_BYTES)
        case ["tcp", address] if address.rpartition(":")[2].isdecimal():
            host, _, port = address.rpartition(":")
            return await asyncio.open_connection(
                host.strip("[]"), int(port), limit=ANSWER_MAX_BYTES
            )
        case _:
            raise AirError(f"{spec!r} is no address: write unix:PATH or tcp:HOST:PORT")
