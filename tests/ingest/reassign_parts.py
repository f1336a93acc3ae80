"""For tests of corrected registries: bindings as text, and the pass over what they ask for."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clinic import CUFF, METER, NOW, SHARED_CUFF, registry_text
from fix_database import Clinic
from psycopg import AsyncConnection

from yikao_alerts.working import connect
from yikao_ingest.reassign_pass import ReassignRound, Tally
from yikao_ingest.reassign_read import BATCH
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry


@dataclass(frozen=True, slots=True)
class Bound:
    """One binding of a registry file."""

    device: str
    resident: str
    user: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def text(self) -> str:
        lines = [f'[[bindings]]\ndevice = "{self.device}"\nresident = "{self.resident}"']
        lines += [f"user = {self.user}"] if self.user is not None else []
        lines += [f"from = {self.since.isoformat()}"] if self.since else []
        lines += [f"until = {self.until.isoformat()}"] if self.until else []
        return "\n".join(lines) + "\n"


DEFAULT = (
    *(Bound(CUFF, "zhao"), Bound(METER, "zhao")),
    *(Bound(SHARED_CUFF, "qian", user=1), Bound(SHARED_CUFF, "zhao", user=2)),
)
"""What the clinic's registry says at first."""


def registry_of(clinic: Clinic, bindings: Iterable[Bound]) -> str:
    """Return the clinic's registry file with these bindings."""
    text = "".join(one.text() for one in bindings)
    return registry_text((clinic.first, clinic.second), bindings=text)


def corrects(clinic: Clinic, bindings: Iterable[Bound], now: datetime = NOW) -> None:
    """Apply the clinic's registry with these bindings instead."""
    registry = parse_registry(registry_of(clinic, bindings), "clinic.toml")
    apply_registry(clinic.dsn, registry, "chen", now)


def moves(
    clinic: Clinic, now: datetime = NOW, *, most: int = BATCH, pieces: int | None = None
) -> Tally:
    """Let the evaluator's round move what is due; return what it did.

    most: readings in a piece. pieces: no more than that.
    """

    async def clock(conn: AsyncConnection) -> datetime:
        assert not conn.closed
        return now

    async def run() -> Tally:
        tally, left = Tally(), pieces
        async with await connect(clinic.dsn) as conn:
            while left != 0 and await ReassignRound(clock, most).cycle(conn, tally):
                left = None if left is None else left - 1
        return tally

    return asyncio.run(run())
