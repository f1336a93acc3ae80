"""Codes and certificates in the database: each answer is one transaction, a gateway's one by one.

What is decided is decided in decide.py; here it is looked up, and written down.
"""

from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import uuid4

from psycopg import AsyncConnection
from psycopg.rows import class_row

from yikao_alerts.clock import read_clock
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices.enrolment import Claim, Granted, Refusal, Renewal
from yikao_ingest.enrolment.authority import Authority
from yikao_ingest.enrolment.decide import (
    Grant,
    Holding,
    Invite,
    Standing,
    both_keys,
    claim_proved,
    judge_claim,
    judge_renewal,
    secret_hash,
)
from yikao_ingest.enrolment.x509 import NotUsableError, key_hash, requested_key
from yikao_ingest.store import SQL as REGISTRY

SQL: Final = load_sql_blocks("yikao_ingest", "sql/enrolment.sql")
Answer = Granted | Refusal
Row = TypeVar("Row")


class Office:
    """Answers claims and renewals. broker_url: what gateways are told."""

    def __init__(self, authority: Authority, broker_url: str) -> None:
        self.authority = authority
        self._broker_url = broker_url

    async def claim(self, conn: AsyncConnection, claim: Claim) -> Answer:
        """Return the certificate that a code's holder gets, or why there is none."""
        key = _key_of(claim.csr)
        if key is None or not claim_proved(claim):
            return Refusal.PROOF_WRONG
        code, keys = secret_hash(claim.secret), both_keys(key, claim.public_key)
        async with conn.transaction():
            now = await read_clock(conn)
            known = await _one(conn, Invite, "invited", secret_hash=code)
            standing = None if known is None else await _locked(conn, known.gateway)
            # Once more: whoever held the lock before may have used the same code.
            invite = await _one(conn, Invite, "invited", secret_hash=code)
            verdict = judge_claim(invite, keys, now)
            if isinstance(verdict, Refusal):
                return verdict
            assert invite is not None and standing is not None, "a grant is for somebody"
            if verdict is Grant.SAME:
                same = await self._same(conn, invite.gateway, standing, key)
                assert same is not None, "it was issued before"
                return same
            await _use(conn, invite.gateway, claim.public_key, now)
            await conn.execute(SQL["use_invite"], {"secret_hash": code, "keys": keys, "now": now})
            return await self._issue(conn, invite.gateway, standing, claim.csr, now)

    async def renew(self, conn: AsyncConnection, renewal: Renewal) -> Answer:
        """Return a gateway's next certificate, or why there is none."""
        key, gateway = _key_of(renewal.csr), renewal.gateway
        if key is None:
            return Refusal.PROOF_WRONG
        async with conn.transaction():
            now = await read_clock(conn)
            standing = await _locked(conn, gateway)
            serial = {"gateway": gateway, "serial": renewal.serial}
            holding = await _one(conn, Holding, "certificate", **serial)
            verdict = judge_renewal(renewal, standing, holding, now)
            if isinstance(verdict, Refusal):
                return verdict
            assert standing is not None, "a grant is for somebody"
            # For this key there may be one already, whose answer was lost.
            same = await self._same(conn, gateway, standing, key, but=renewal.serial)
            return same or await self._issue(conn, gateway, standing, renewal.csr, now)

    async def keep_list(self, conn: AsyncConnection) -> bool:
        """Have the list of withdrawn certificates say what the database does; True: it did not."""
        now = await read_clock(conn)
        rows = await (await conn.execute(SQL["withdrawn"], {"now": now})).fetchall()
        return self.authority.write_withdrawn(dict(rows), now)

    async def _issue(
        self, conn: AsyncConnection, gateway: str, standing: Standing, csr: str, now: datetime
    ) -> Granted:
        issued, key = self.authority.for_gateway(gateway, csr, now)
        values = {
            "serial": issued.serial,
            "gateway": gateway,
            "key_hash": key,
            "certificate": issued.pem,
            "now": now,
            "expires_at": issued.expires_at,
        }
        await conn.execute(SQL["certify"], values)
        return self._granted(gateway, standing, issued.pem)

    async def _same(
        self,
        conn: AsyncConnection,
        gateway: str,
        standing: Standing,
        key: bytes,
        but: str = "",
    ) -> Answer | None:
        """Return what was issued before for this key, if it was: not the certificate `but`, and
        none that was withdrawn since."""
        which = {"gateway": gateway, "key_hash": key, "but": but}
        holding = await _one(conn, Holding, "certificate_of_key", **which)
        if holding is None:
            return None
        if standing.withdrawn_at is not None or holding.withdrawn_at is not None:
            return Refusal.GATEWAY_WITHDRAWN
        return self._granted(gateway, standing, holding.certificate)

    def _granted(self, gateway: str, standing: Standing, certificate: str) -> Granted:
        tenant, authority = standing.tenant, self.authority.pem
        return Granted(gateway, tenant, self._broker_url, certificate, authority)


async def _use(conn: AsyncConnection, gateway: str, public_key: str, now: datetime) -> None:
    """Have the gateway be who came with the code, from now on, and nobody else."""
    await conn.execute(SQL["withdraw_certificates"], {"gateway": gateway, "now": now})
    values = {"gateway": gateway, "public_key": public_key, "now": now}
    await conn.execute(SQL["enrolled"], values)
    await conn.execute(REGISTRY["registry_bump"], {"version": str(uuid4())})


def _key_of(csr: str) -> bytes | None:
    """Return the hash of the key that a request is for, and signed with; else None."""
    try:
        return key_hash(requested_key(csr))
    except NotUsableError:
        return None


async def _locked(conn: AsyncConnection, gateway: str) -> Standing | None:
    return await _one(conn, Standing, "standing_locked", gateway=gateway)


async def _one(conn: AsyncConnection, row: type[Row], name: str, **values: Any) -> Row | None:
    async with conn.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(SQL[name], values)
        return await cursor.fetchone()
