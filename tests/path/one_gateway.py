"""One gateway in a process of its own beside a server's database: who is registered, what is there.

The registry is one team with one doctor, whom only the console tells.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from gateway_process import GatewayProcess

from yikao_gateway.keys import load_key
from yikao_gateway.state import make_folder

PATIENCE_S = 120.0
LOOK_S = 0.05
TEAM = """
[[teams]]
id = "team"
name = "team"
zone = "Asia/Shanghai"
duty_doctor = "desk"
[[doctors]]
id = "desk"
name = "doctor"
team = "team"
contacts = [{{ channel = "console", address = "desk" }}]
[[gateways]]
id = "{gateway}"
tenant = "{tenant}"
public_key = "{key}"
"""
RESIDENT = """
[[residents]]
id = "{resident}"
name = "resident"
birth_year = 1946
team = "team"
doctor = "desk"
"""
DEVICE = """
[[devices]]
address = "{address}"
gateway = "{gateway}"
[[bindings]]
device = "{address}"
resident = "{resident}"
"""


def devices(addresses: Iterable[str], gateway: str, resident: str) -> str:
    """Return registry lines: all these are one resident's."""
    lines = (DEVICE.format(address=each, gateway=gateway, resident=resident) for each in addresses)
    return "".join(lines)


@dataclass
class OneGateway:
    """The gateway, and the database of the server that it speaks to."""

    gateway: GatewayProcess
    dsn: str

    def team(self, gateway: str, tenant: str, *residents: str) -> str:
        """Return registry lines of a team with these residents, and of the gateway by its key."""
        state = self.gateway.folder / "state"
        make_folder(state)
        key = load_key(state).public_text
        text = TEAM.format(gateway=gateway, tenant=tenant, key=key)
        return text + "".join(RESIDENT.format(resident=each) for each in residents)

    def rows(self, statement: str) -> list[Any]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement.encode()).fetchall()

    async def until(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            said = "".join(self.gateway.said[-10:])
            assert time.monotonic() < end, f"not within {PATIENCE_S:g} s: {what}\n{said}"
            await asyncio.sleep(LOOK_S)
